// The machine, whole: where the kernel, the files, the tools, the shell and the network of containers are joined. Loaded by
// runs.ts when the first container needs it, and by nobody else.

import { layerOf } from '../images/layers.ts'
import { imagePrograms } from '../images/programs/index.ts'
import type { RunsNeeds } from '../runs.ts'
import { ContainerFiles } from './files/container-files.ts'
import { deviceTree } from './files/devices.ts'
import { Storage } from './files/storage.ts'
import { LayerTrees } from './files/tree-of-layer.ts'
import { type MachineKey, Machines, type Wanted } from './machines.ts'
import type { Outlet } from './outlet.ts'
import type { Program } from './process.ts'
import { shells } from './shell/index.ts'
import { toolOf } from './tools/index.ts'

export interface AssemblyNeeds extends RunsNeeds {
  ended(key: MachineKey, code: number, isOutOfMemory: boolean): void
}

export function assembleMachines(needs: AssemblyNeeds): Machines {
  const { env, network } = needs
  const trees = new LayerTrees()
  const programs: ReadonlyMap<string, Program> = imagePrograms(needs.images)
  return new Machines({
    ...needs,
    services: namespace => network.cache.services.list().filter(({ metadata }) => metadata.namespace === namespace),
    filesOf: wanted => plainFiles(wanted),
    program: name => programs.get(name) ?? shells.get(name) ?? toolOf(name),
    socketsOf: ({ pod }, files) => {
      const textOf = (path: string) => (files.exists(path) ? files.readText(path) : undefined)
      return network.socketsFor(
        { pod },
        { hosts: () => textOf('/etc/hosts'), resolvConf: () => textOf('/etc/resolv.conf') },
      )
    },
    logOf: (key, stream) => logOutlet(key, stream),
  })

  function plainFiles({ pod, container, restart, image }: Wanted): ContainerFiles {
    const storage = new Storage({ clock: env.clock, root: trees.of(layerOf(image)) })
    const overlay = { source: 'overlay', path: '/', type: 'overlay', readOnly: false, storage, root: storage.root }
    const random = env.random.fork(`files/${pod.metadata.uid}/${container.name}/${restart}`)
    const files = ContainerFiles.over(overlay, random)
    const devices = new Storage({ clock: env.clock, root: deviceTree(env.clock.now()) })
    files.mount({ source: 'tmpfs', path: '/dev', type: 'tmpfs', readOnly: false, storage: devices, root: devices.root })
    return files
  }

  function logOutlet(_key: MachineKey, _stream: 'stdout' | 'stderr'): Outlet {
    return { write() {} }
  }
}
