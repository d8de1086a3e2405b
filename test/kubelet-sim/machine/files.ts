// Files of a container for tests: an image's layer, in virtual time, as root.

import { ContainerFiles } from '../../../kubelet-sim/machine/files/container-files.ts'
import { deviceTree } from '../../../kubelet-sim/machine/files/devices.ts'
import type { Layer } from '../../../kubelet-sim/machine/files/layer.ts'
import { Storage } from '../../../kubelet-sim/machine/files/storage.ts'
import { LayerTrees } from '../../../kubelet-sim/machine/files/tree-of-layer.ts'
import { BusyCount } from '../../../src/env/activity.ts'
import { SeededRandom } from '../../../src/env/random.ts'
import { VirtualClock } from '../../../src/env/virtual-clock.ts'

export interface FilesOptions {
  readonly clock?: VirtualClock
  readonly trees?: LayerTrees
  readonly readOnly?: boolean
  readonly limit?: number
}

export function filesOver(layer: Layer, options: FilesOptions = {}): ContainerFiles {
  const { clock = new VirtualClock(new BusyCount()), trees = new LayerTrees(), readOnly = false, limit } = options
  const storage = new Storage({ clock, root: trees.of(layer), limit })
  const overlay = { source: 'overlay', path: '/', type: 'overlay', readOnly, storage, root: storage.root }
  const files = ContainerFiles.over(overlay, new SeededRandom(1))
  const devices = new Storage({ clock, root: deviceTree(clock.now()) })
  files.mount({ source: 'tmpfs', path: '/dev', type: 'tmpfs', readOnly: false, storage: devices, root: devices.root })
  return files
}
