// How the garbage collector is told to keep house, for a process that lives long beside a user's other work. Called once,
// when a cluster starts in this process, before its heap grows.

import v8 from 'node:v8'

/**
 * The heap may grow by a fifth, not by a multiple, between two collections, and what is young stays small. Measured at
 * 10,000 running pods: 315 MB resident instead of 487; a create costs up to a fifth more CPU. Both flags are read whenever
 * the collector decides, so they may be set in a running process.
 */
export function keepHeapSmall(): void {
  v8.setFlagsFromString('--heap-growing-percent=20')
  v8.setFlagsFromString('--semi-space-growth-factor=1')
}
