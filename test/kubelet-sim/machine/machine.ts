// A container's machine for tests: a layer's files, programs of the test's own, virtual time; what it prints as text.

import { ContainerMachine, type MachineParts, type Start } from '../../../kubelet-sim/machine/container-machine.ts'
import { busyboxLayer } from '../../../kubelet-sim/machine/files/base-layers.ts'
import type { Layer } from '../../../kubelet-sim/machine/files/layer.ts'
import { Kernel } from '../../../kubelet-sim/machine/kernel.ts'
import { noSockets } from '../../../kubelet-sim/machine/no-sockets.ts'
import type { Outlet } from '../../../kubelet-sim/machine/outlet.ts'
import type { MachineFacts, Program } from '../../../kubelet-sim/machine/process.ts'
import { type VirtualEnv, virtualEnv } from '../../../src/env/virtual-env.ts'
import { filesOver } from './files.ts'

export interface TestMachine {
  readonly env: VirtualEnv
  readonly kernel: Kernel
  readonly machine: ContainerMachine
  /** Starts a program; what it has printed so far, both streams as they came. */
  start(argv: readonly string[], start?: Partial<Start>): Started
  /** Starts it and lets time pass until it ends. */
  run(argv: readonly string[], start?: Partial<Start>): Promise<Result>
}

export interface Started {
  readonly running: ReturnType<ContainerMachine['start']>
  readonly text: () => string
  readonly errors: () => string
}

export interface Result {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface TestMachineOptions {
  readonly env?: VirtualEnv
  readonly kernel?: Kernel
  readonly layer?: Layer
  readonly programs?: Readonly<Record<string, Program>>
  readonly facts?: Partial<MachineFacts>
  readonly parts?: Partial<MachineParts>
}

export function testMachine(options: TestMachineOptions = {}): TestMachine {
  const env = options.env ?? virtualEnv({ seed: 1 })
  const kernel = options.kernel ?? new Kernel(env)
  const programs = options.programs ?? {}
  const machine = new ContainerMachine({
    kernel,
    facts: {
      hostname: 'web',
      domainname: '',
      image: 'busybox',
      node: 'node-1',
      namespace: 'default',
      pod: 'web',
      container: 'app',
      podIPs: ['10.244.1.2'],
      limits: { memory: undefined, cpu: undefined, cpuShares: 2 },
      capabilities: new Set(),
      noNewPrivileges: false,
      startedAt: env.clock.now(),
      ...options.facts,
    },
    files: filesOver(options.layer ?? busyboxLayer, { clock: env.clock }),
    sockets: noSockets,
    random: env.random.fork('machine'),
    program: name => programs[name],
    env: new Map([
      ['PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      ['HOME', '/root'],
    ]),
    cwd: '/',
    user: { uid: 0, gid: 0, groups: [0] },
    faulted: (argv, error) => {
      throw new Error(`${argv.join(' ')} failed`, { cause: error })
    },
    ...options.parts,
  })
  const start = (argv: readonly string[], more: Partial<Start> = {}) => {
    let [text, errors] = ['', '']
    const decoder = new TextDecoder()
    const out: Outlet = {
      write: bytes => {
        text += decoder.decode(bytes, { stream: true })
      },
    }
    const err: Outlet = {
      write: bytes => {
        errors += Buffer.from(bytes).toString()
      },
    }
    const running = machine.start({ argv, stdout: out, stderr: err, ...more })
    return { running, text: () => text, errors: () => errors }
  }
  return {
    env,
    kernel,
    machine,
    start,
    async run(argv, more) {
      const { running, text, errors } = start(argv, more)
      await env.clock.advanceUntil(() => running.exitCode !== undefined, 24 * 3_600_000)
      return { code: running.exitCode!, stdout: text(), stderr: errors() }
    },
  }
}
