// The machine, whole: where the kernel, the files, the tools, the shell and the network of containers are joined. Loaded by
// runs.ts when the first container needs it, and by nobody else.

import type { Pod } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { wholeValue } from '../../src/api/quantity.ts'
import { layerOf } from '../images/layers.ts'
import { imagePrograms } from '../images/programs/index.ts'
import { addressOf } from '../nodes.ts'
import type { RunsNeeds } from '../runs.ts'
import type { ContainerMachine } from './container-machine.ts'
import type { ContainerFiles } from './files/container-files.ts'
import { mountProc } from './files/proc.ts'
import { logOutlet } from './log-outlet.ts'
import { type MachineKey, Machines, type Wanted } from './machines.ts'
import type { Program } from './process.ts'
import { oomScoreAdjust } from './shares.ts'
import { shells } from './shell/index.ts'
import { strangerOf } from './stranger.ts'
import { kernelRelease } from './tools/identity.ts'
import { toolOf } from './tools/index.ts'
import { VolumeManager } from './volumes/volume-manager.ts'

/** In the file of a log there are a time, a stream and a line end as well (pkg/kubelet/kuberuntime/logs). */
const besideText = 46

export interface AssemblyNeeds extends RunsNeeds {
  ended(key: MachineKey, code: number, isOutOfMemory: boolean): void
  touched(key: MachineKey, pod: Frozen<Pod>): void
}

export function assembleMachines(needs: AssemblyNeeds): Machines {
  const { env, network } = needs
  const bootedAt = env.clock.now()
  const volumes = new VolumeManager({
    ...needs,
    imageLayer: reference => layerOf(needs.images.find(reference)),
    addressOf: name => {
      const node = network.cache.nodes.get({ name })
      return node && addressOf(node)
    },
  })
  const programs: ReadonlyMap<string, Program> = imagePrograms(needs.images)
  return new Machines({
    ...needs,
    services: namespace => network.cache.services.list().filter(({ metadata }) => metadata.namespace === namespace),
    stranger: (wanted, argv, isThere) => strangerOf(needs.images, wanted, argv, isThere),
    program: name => programs.get(name) ?? shells.get(name) ?? toolOf(name),
    filesOf: wanted => volumes.filesOf(wanted, layerOf(wanted.image)),
    mountProc: (files, machine, wanted) => procOf(files as ContainerFiles, machine, wanted),
    podGone: uid => volumes.forget(uid),
    closeVolumes: () => volumes.close(),
    dropVolume: key => volumes.drop(key),
    diskUse: uid => volumes.podDisk(uid)?.use,
    hostPathFault: (node, path, type) => volumes.diskOf(node).fault(path, type),
    socketsOf: ({ pod }, files) => {
      const textOf = (path: string) => (files.exists(path) ? files.readText(path) : undefined)
      return network.socketsFor(
        { pod },
        { hosts: () => textOf('/etc/hosts'), resolvConf: () => textOf('/etc/resolv.conf') },
      )
    },
    logOf({ uid, container, restart }) {
      const disk = volumes.podDisk(uid)
      return logOutlet((text, isPartial) => {
        needs.logs.print(uid, container, restart, env.clock.now(), text, isPartial)
        disk?.printed(container, text.length + besideText)
      })
    },
  })

  function procOf(files: ContainerFiles, machine: ContainerMachine, { pod, container }: Wanted): void {
    const { allocatable } = needs
    const memory = wholeValue(allocatable.memory ?? '0')
    const { type } = container.securityContext?.seccompProfile ?? pod.spec.securityContext?.seccompProfile ?? {}
    const facts = {
      memory,
      oomScoreAdjust: oomScoreAdjust(pod, container, memory),
      idsFrom: pod.spec.hostUsers === false ? 65_536 * (1 + placeOf(pod)) : undefined,
      isFiltered: type === 'RuntimeDefault' || type === 'Localhost',
      cpus: Math.max(1, Math.floor(wholeValue(allocatable.cpu ?? '1'))),
      bootedAt,
      kernel: kernelRelease,
      sysctls: Object.fromEntries(
        (pod.spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name.replaceAll('/', '.'), value]),
      ),
    }
    mountProc(files, env.clock, facts, {
      machine,
      environment: pid => machine.environmentOf(pid),
      directory: pid => machine.directoryOf(pid),
      descriptors: pid =>
        new Map(
          [...(machine.descriptorsOf(pid) ?? [])].map(([number, stream]) => [
            number,
            stream.terminal ? '/dev/pts/0' : `pipe:[${pid * 100 + number}]`,
          ]),
        ),
      memory: () => machine.usage.memory,
    })
  }
}

/** Another for each pod of a node: the last part of its address. */
function placeOf({ status }: Frozen<Pod>): number {
  return Number(/(\d+)$/.exec(status.podIP ?? '')?.[1] ?? 0)
}
