// /proc and the control group's files of one container, made when they are looked at. The kernel mounts them over a container's
// files once it knows its processes: mountProc().

import type { Clock } from '../../../src/env/clock.ts'
import type { Machine, ProcessFacts } from '../process.ts'
import { capabilityBits } from '../rights.ts'
import { cpuQuota, cpuWeight } from '../shares.ts'
import type { ContainerFiles } from './container-files.ts'
import { Inode, type Onlooker } from './inode.ts'
import { Storage } from './storage.ts'

/** What the kernel tells of its processes; what it cannot tell is left out. */
export interface ProcessTable {
  readonly machine: Machine
  environment?(pid: number): ReadonlyMap<string, string> | undefined
  directory?(pid: number): string | undefined
  /** By number: what each is open on, as readlink shows it (`/dev/null`, `pipe:[12]`). */
  descriptors?(pid: number): ReadonlyMap<number, string> | undefined
  /** Bytes the container takes now. */
  memory?(): number
}

/** The node below, as /proc/meminfo and /proc/cpuinfo tell of it. */
export interface NodeFacts {
  /** Bytes. */
  readonly memory: number
  readonly cpus: number
  readonly bootedAt: number
  readonly kernel: string
  /** `kernel.shm_rmid_forced` → value; those the pod asks for. */
  readonly sysctls?: Readonly<Record<string, string>>
  readonly oomScoreAdjust?: number
  /** `hostUsers: false`: its users are these of the node. */
  readonly idsFrom?: number | undefined
  /** A seccomp profile says which calls of the kernel it may make. */
  readonly isFiltered?: boolean
}

export function mountProc(files: ContainerFiles, clock: Clock, node: NodeFacts, table: ProcessTable): void {
  const proc = new Storage({ clock, root: new ProcTree(files, clock, node, table).root })
  files.mount({ source: 'proc', path: '/proc', type: 'proc', readOnly: false, storage: proc, root: proc.root })
  const system = new Storage({ clock, root: folderOf(clock, { fs: folderOf(clock, { cgroup: folderOf(clock, {}) }) }) })
  files.mount({ source: 'sysfs', path: '/sys', type: 'sysfs', readOnly: true, storage: system, root: system.root })
  const groups = new Storage({ clock, root: groupTree(clock, node, table) })
  files.mount({
    source: 'cgroup',
    path: '/sys/fs/cgroup',
    type: 'cgroup2',
    readOnly: true,
    storage: groups,
    root: groups.root,
  })
}

class ProcTree {
  readonly #files: ContainerFiles
  readonly #clock: Clock
  readonly #node: NodeFacts
  readonly #table: ProcessTable
  readonly #fixed: ReadonlyMap<string, Inode>
  readonly root: Inode

  constructor(files: ContainerFiles, clock: Clock, node: NodeFacts, table: ProcessTable) {
    this.#files = files
    this.#clock = clock
    this.#node = node
    this.#table = table
    this.#fixed = new Map([
      ['cpuinfo', this.#text(() => cpuinfo(node))],
      ['filesystems', this.#text(() => 'nodev\tproc\nnodev\tsysfs\nnodev\ttmpfs\nnodev\toverlay\n\text4\n')],
      ['loadavg', this.#text(() => this.#load())],
      ['meminfo', this.#text(() => meminfo(node, table.memory?.() ?? 0))],
      ['mounts', this.#link('self/mounts')],
      ['self', this.#link(({ pid }) => String(pid))],
      ['stat', this.#text(() => `cpu  0 0 0 0 0 0 0 0 0 0\nbtime ${Math.floor(node.bootedAt / 1000)}\n`)],
      ['sys', this.#sysctls()],
      ['thread-self', this.#link(({ pid }) => `${pid}/task/${pid}`)],
      ['uptime', this.#text(() => this.#uptime())],
      ['version', this.#text(() => `Linux version ${node.kernel} (gcc (GCC) 13.2.0) #1 SMP PREEMPT_DYNAMIC\n`)],
    ])
    this.root = this.#directory({
      list: () => [...this.#fixed.keys(), ...this.#processes().map(({ pid }) => String(pid))],
      find: name => this.#fixed.get(name) ?? this.#process(name),
    })
  }

  #processes(): readonly ProcessFacts[] {
    return this.#table.machine.processes()
  }

  #process(name: string): Inode | undefined {
    const process = /^[1-9]\d*$/.test(name) ? this.#processes().find(({ pid }) => pid === Number(name)) : undefined
    if (process === undefined) return undefined
    const { pid, argv, uid } = process
    const entries: Readonly<Record<string, () => Inode>> = {
      cgroup: () => this.#text(() => '0::/\n'),
      cmdline: () => this.#text(() => argv.map(word => `${word}\0`).join('')),
      comm: () => this.#text(() => `${nameOf(process)}\n`),
      cwd: () => this.#link(this.#table.directory?.(pid) ?? '/'),
      environ: () =>
        this.#text(() =>
          [...(this.#table.environment?.(pid) ?? [])].map(([key, value]) => `${key}=${value}\0`).join(''),
        ),
      exe: () => this.#link(argv[0]?.startsWith('/') ? argv[0] : `/bin/${argv[0]}`),
      fd: () => this.#descriptors(pid),
      mountinfo: () => this.#text(() => this.#mountinfo()),
      mounts: () => this.#text(() => this.#mounts()),
      root: () => this.#link('/'),
      stat: () => this.#text(() => `${pid} (${nameOf(process)}) S ${process.parent} ${pid} ${pid} 0 -1 0\n`),
      oom_score_adj: () => this.#text(() => `${this.#node.oomScoreAdjust ?? 0}\n`),
      status: () => this.#text(() => status(process, this.#table.machine, this.#node)),
      uid_map: () => this.#text(() => idMap(this.#node)),
      gid_map: () => this.#text(() => idMap(this.#node)),
    }
    return this.#directory(
      {
        list: () => Object.keys(entries),
        find: entry => (Object.hasOwn(entries, entry) ? entries[entry]!() : undefined),
      },
      uid,
    )
  }

  #descriptors(pid: number): Inode {
    const open = this.#table.descriptors?.(pid) ?? new Map()
    return this.#directory({
      list: () => [...open.keys()].map(String),
      find: name => {
        const target = open.get(Number(name))
        return target === undefined ? undefined : this.#link(target)
      },
    })
  }

  /** /proc/sys: each dotted name a path. */
  #sysctls(): Inode {
    const values: Record<string, string> = {
      'kernel.hostname': this.#table.machine.hostname,
      'kernel.osrelease': this.#node.kernel,
      'kernel.ostype': 'Linux',
      'kernel.pid_max': '4194304',
      'kernel.shm_rmid_forced': '0',
      'net.ipv4.ip_local_port_range': '32768\t60999',
      'net.ipv4.ip_unprivileged_port_start': '0',
      'net.core.somaxconn': '4096',
      'vm.max_map_count': '262144',
      ...this.#node.sysctls,
    }
    const below = (prefix: string): Inode => {
      const names = new Set(
        Object.keys(values)
          .filter(key => key.startsWith(prefix))
          .map(key => key.slice(prefix.length).split('.')[0]!),
      )
      return this.#directory({
        list: () => [...names],
        find: name => {
          if (!names.has(name)) return undefined
          const value = values[`${prefix}${name}`]
          return value === undefined ? below(`${prefix}${name}.`) : this.#text(() => `${value}\n`)
        },
      })
    }
    return below('')
  }

  #load(): string {
    const count = this.#processes().length
    return `0.00 0.00 0.00 1/${count} ${this.#processes().at(-1)?.pid ?? 1}\n`
  }

  #uptime(): string {
    const seconds = ((this.#clock.now() - this.#node.bootedAt) / 1000).toFixed(2)
    return `${seconds} ${seconds}\n`
  }

  #mounts(): string {
    return this.#files
      .mounts()
      .map(({ source, path, type, readOnly }) => `${source} ${path} ${type} ${readOnly ? 'ro' : 'rw'},relatime 0 0\n`)
      .join('')
  }

  #mountinfo(): string {
    return this.#files
      .mounts()
      .map(({ source, path, type, readOnly }, index) => {
        const rights = `${readOnly ? 'ro' : 'rw'},relatime`
        return `${index + 100} 99 0:${index + 40} / ${path} ${rights} - ${type} ${source} ${readOnly ? 'ro' : 'rw'}\n`
      })
      .join('')
  }

  #text(text: () => string): Inode {
    const inode = this.#make('file', 0o444)
    inode.text = text
    return inode
  }

  #link(target: string | ((by: Onlooker) => string)): Inode {
    const inode = this.#make('symlink', 0o777)
    inode.target = target
    return inode
  }

  #directory(made: NonNullable<Inode['made']>, uid = 0): Inode {
    const inode = this.#make('directory', 0o555, uid)
    inode.made = made
    return inode
  }

  #make(kind: Inode['kind'], mode: number, uid = 0): Inode {
    return new Inode({ kind, number: 1, mode, uid, gid: uid, modified: this.#clock.now() })
  }
}

function folderOf(clock: Clock, entries: Readonly<Record<string, Inode>>): Inode {
  const folder = new Inode({ kind: 'directory', number: 1, mode: 0o555, modified: clock.now() })
  folder.made = {
    list: () => Object.keys(entries),
    find: name => (Object.hasOwn(entries, name) ? entries[name] : undefined),
  }
  return folder
}

function groupTree(clock: Clock, node: NodeFacts, table: ProcessTable): Inode {
  const { machine } = table
  const texts: Readonly<Record<string, () => string>> = {
    'cgroup.controllers': () => 'cpuset cpu io memory hugetlb pids rdma misc',
    'cgroup.procs': () =>
      machine
        .processes()
        .map(({ pid }) => pid)
        .join('\n'),
    'cpu.max': () => (machine.limits.cpu === undefined ? 'max 100000' : `${cpuQuota(machine.limits.cpu)} 100000`),
    'cpu.weight': () => String(cpuWeight(machine.limits)),
    'cpuset.cpus.effective': () => cpuList(node),
    'memory.current': () => String(table.memory?.() ?? 0),
    'memory.max': () => String(machine.limits.memory ?? 'max'),
    'memory.swap.max': () => '0',
    'pids.current': () => String(machine.processes().length),
    'pids.max': () => 'max',
  }
  const root = new Inode({ kind: 'directory', number: 1, mode: 0o755, modified: clock.now() })
  root.made = {
    list: () => Object.keys(texts),
    find(name) {
      if (!Object.hasOwn(texts, name)) return undefined
      const file = new Inode({ kind: 'file', number: 1, mode: 0o444, modified: clock.now() })
      file.text = () => `${texts[name]!()}\n`
      return file
    },
  }
  return root
}

const cpuList = ({ cpus }: NodeFacts): string => (cpus > 1 ? `0-${cpus - 1}` : '0')

function nameOf({ argv }: ProcessFacts): string {
  return (argv[0] ?? '').replace(/^.*\//, '').slice(0, 15)
}

/** Inside, on the node, how many: all the node's own, or a range for the pod alone (pkg/kubelet/userns). */
function idMap({ idsFrom }: NodeFacts): string {
  const [first, count] = idsFrom === undefined ? [0, 4_294_967_295] : [idsFrom, 65_536]
  return `${['0', first, count].map(number => String(number).padStart(10)).join(' ')}\n`
}

function status(process: ProcessFacts, machine: Machine, node: NodeFacts): string {
  const { pid, parent, uid, user } = process
  const ids = (real: number, effective: number) => `\t${real}\t${effective}\t${effective}\t${effective}`
  const bounding = capabilityBits(machine.capabilities)
  const none = capabilityBits(new Set())
  return [
    `Name:\t${nameOf(process)}`,
    'Umask:\t0022',
    'State:\tS (sleeping)',
    `Tgid:\t${pid}`,
    `Pid:\t${pid}`,
    `PPid:\t${parent}`,
    `Uid:${ids(user.realUid ?? uid, uid)}`,
    `Gid:${ids(user.gid, user.gid)}`,
    `Groups:\t${user.groups.join(' ')} `,
    'VmPeak:\t    4404 kB',
    'VmRSS:\t    1024 kB',
    'Threads:\t1',
    `CapInh:\t${none}`,
    `CapPrm:\t${uid === 0 ? bounding : none}`,
    `CapEff:\t${uid === 0 ? bounding : none}`,
    `CapBnd:\t${bounding}`,
    `CapAmb:\t${none}`,
    `NoNewPrivs:\t${machine.noNewPrivileges ? 1 : 0}`,
    `Seccomp:\t${node.isFiltered ? 2 : 0}`,
    `Seccomp_filters:\t${node.isFiltered ? 1 : 0}`,
    `Cpus_allowed_list:\t${cpuList(node)}`,
    'Mems_allowed_list:\t0',
    '',
  ].join('\n')
}

function cpuinfo({ cpus }: NodeFacts): string {
  return Array.from({ length: cpus }, (_, index) =>
    [
      `processor\t: ${index}`,
      'vendor_id\t: GenuineIntel',
      'model name\t: simulated',
      'cpu MHz\t\t: 2400.000',
      '',
      '',
    ].join('\n'),
  ).join('')
}

function meminfo({ memory }: NodeFacts, used: number): string {
  const kilobytes = (bytes: number) => `${String(Math.floor(bytes / 1024)).padStart(8)} kB`
  return [
    `MemTotal:       ${kilobytes(memory)}`,
    `MemFree:        ${kilobytes(memory - used)}`,
    `MemAvailable:   ${kilobytes(memory - used)}`,
    `Buffers:        ${kilobytes(0)}`,
    `Cached:         ${kilobytes(0)}`,
    `SwapTotal:      ${kilobytes(0)}`,
    `SwapFree:       ${kilobytes(0)}`,
    '',
  ].join('\n')
}
