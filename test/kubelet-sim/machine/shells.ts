// A machine with the shells and the tools, and the folder /work, for tests of scripts.

import { busyboxLayer, debianLayer } from '../../../kubelet-sim/machine/files/base-layers.ts'
import { shells } from '../../../kubelet-sim/machine/shell/index.ts'
import { tools } from '../../../kubelet-sim/machine/tools/index.ts'
import { type TestMachine, type TestMachineOptions, testMachine } from './machine.ts'

export function shellMachine(shell: 'ash' | 'bash', options: TestMachineOptions = {}): TestMachine {
  const made = testMachine({
    layer: shell === 'bash' ? debianLayer : busyboxLayer,
    programs: { ...tools, ...Object.fromEntries(shells) },
    ...options,
  })
  made.machine.files.makeDirectory('/work')
  return made
}

export const commandOf = (shell: 'ash' | 'bash'): string => (shell === 'ash' ? 'sh' : shell)
