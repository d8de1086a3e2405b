// npm run bench: the load of an ordinary day against an API server (ours, or `--server URL --token T`), and beside each
// request figure its yardstick: a bare node:https server that reads the same request and sends the same bytes, under the
// same generator, in the same run. Quote the ratios; absolute figures swing with the machine.

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { agentFor, type LoadResult, load, openStreams, type Request, send, type Target } from './load.ts'
import { schedulingRows } from './scheduling.ts'
import {
  cpuSeconds,
  residentMB,
  type ServerProcess,
  startKubesim,
  startYardstick,
  type Yardstick,
} from './server-process.ts'
import { serveYardstick } from './yardstick.ts'

interface Row {
  readonly what: string
  readonly connections: number | undefined
  readonly perSecond: number | undefined
  readonly p50?: number
  readonly p99?: number
  /** Microseconds of the server's own CPU per request. */
  readonly cpu: number | undefined
  readonly yardstickPerSecond?: number
  readonly yardstickCpu?: number
  readonly failures?: number
  readonly note?: string
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      server: { type: 'string' },
      token: { type: 'string' },
      pid: { type: 'string' },
      requests: { type: 'string', default: '4000' },
      watchers: { type: 'string', default: '1000' },
      pods: { type: 'string', default: '2000' },
      replicas: { type: 'string', default: '1000' },
      scale: { type: 'string', default: '10000' },
      schedule: { type: 'string', default: '3000' },
      'schedule-nodes': { type: 'string', default: '1000,5000' },
      only: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(
      [
        'npm run bench -- [options]',
        '  --server URL --token T   measure another API server (CPU per request only with --pid, or two joined by a comma)',
        '  --requests N             requests a row (default 4000)',
        '  --pods N                 pods in the list (default 2000)',
        '  --watchers N             watchers in the fan-out (default 1000)',
        '  --replicas N             replicas of the Deployment (default 1000)',
        '  --scale N                running pods whose memory is counted (default 10000)',
        '  --schedule N             pods that are scheduled in a row (default 3000)',
        '  --schedule-nodes N,M     onto so many nodes (default 1000,5000)',
        '  --only WORD              only rows whose name holds this',
        '  --json                   for programs',
        '',
      ].join('\n'),
    )
    return
  }
  const requests = Number(values.requests)
  const wants = (what: string) => values.only === undefined || what.includes(values.only)
  const rows: Row[] = []
  const say = (row: Row) => {
    rows.push(row)
    if (!values.json) process.stderr.write(`  ${row.what}${row.connections ? ` x${row.connections}` : ''} done\n`)
  }

  const api = values.server
    ? undefined
    : await startKubesim(['--without', 'controllers,scheduler,kubelet,proxy', '--nodes', '0'])
  const target: Target = api?.target ?? externalTarget(values.server!, values.token)
  const pids = api ? [api.pid] : (values.pid ?? '').split(',').filter(Boolean).map(Number)
  const { cert, key } = selfSigned()
  const yardstick = await startYardstick(fileURLToPath(import.meta.url), cert, key)
  const bench = new Bench(target, pids, yardstick)
  try {
    if (wants('start')) say(await startRow())
    const namespace = await freshNamespace(target)
    const pods = `/api/v1/namespaces/${namespace}/pods`
    await warmUp(target, pods)
    await bench.warmUpYardstick()
    for (const connections of [1, 16]) {
      const count = connections === 1 ? Math.ceil(requests / 2) : requests
      const name = (index: number) => `p${connections}-${index}`
      const steps: [string, (index: number) => Request][] = [
        ['create pod', index => ({ method: 'POST', path: pods, body: pod(name(index)) })],
        ['get pod', index => ({ method: 'GET', path: `${pods}/${name(index)}` })],
        [
          'patch pod (merge)',
          index => ({
            method: 'PATCH',
            path: `${pods}/${name(index)}`,
            contentType: 'application/merge-patch+json',
            body: JSON.stringify({ metadata: { labels: { round: `r${index}` } } }),
          }),
        ],
        [
          'patch pod (strategic)',
          index => ({
            method: 'PATCH',
            path: `${pods}/${name(index)}`,
            contentType: 'application/strategic-merge-patch+json',
            body: JSON.stringify({ metadata: { annotations: { round: `r${index}` } } }),
          }),
        ],
        ['delete pod', index => ({ method: 'DELETE', path: `${pods}/${name(index)}` })],
      ]
      for (const [what, request] of steps) {
        // Later steps need what the earlier ones left, so they run even when their row is not wanted.
        const row = await bench.row(what, connections, count, request)
        if (wants(what)) say(row)
      }
      if (wants('update')) say(await bench.updates(namespace, connections, count))
    }
    if (wants('list')) for (const row of await bench.lists(namespace, Number(values.pods))) say(row)
    if (wants('watch')) say(await bench.fanOut(namespace, Number(values.watchers)))
  } finally {
    await yardstick.stop()
    await api?.stop()
  }
  if (!values.server) {
    if (wants('deployment')) for (const row of await deploymentRows(Number(values.replicas), rows)) say(row)
    for await (const row of schedulingRows(
      values['schedule-nodes'].split(',').map(Number),
      Number(values.schedule),
      wants,
    )) {
      say(row)
    }
    if (wants('memory')) for (const row of await memoryRows(Number(values.scale))) say(row)
  }
  process.stdout.write(values.json ? `${JSON.stringify(rows, null, 2)}\n` : tableOf(rows))
}

class Bench {
  readonly #target: Target
  readonly #pids: readonly number[]
  readonly #yardstick: Yardstick

  constructor(target: Target, pids: readonly number[], yardstick: Yardstick) {
    this.#target = target
    this.#pids = pids
    this.#yardstick = yardstick
  }

  /** Both sides are measured as they run once their code is compiled. */
  async warmUpYardstick(): Promise<void> {
    await this.#yardstick.answerWith(200, Buffer.from(pod('warm')))
    const sent = pod('warm')
    await load(this.#yardstick.target, 16, 3000, () => ({ method: 'POST', path: '/', body: sent }))
  }

  #cpu(): number {
    return this.#pids.reduce((total, pid) => total + cpuSeconds(pid), 0)
  }

  async row(what: string, connections: number, count: number, request: (index: number) => Request): Promise<Row> {
    const before = this.#cpu()
    const ours = await load(this.#target, connections, count, request)
    const cpu = this.#cpu() - before
    return {
      ...(await this.#beside(what, connections, count, request, ours)),
      ...(this.#pids.length ? { cpu: (cpu / count) * 1e6 } : {}),
    }
  }

  async #beside(
    what: string,
    connections: number,
    count: number,
    request: (index: number) => Request,
    ours: LoadResult,
  ): Promise<Row> {
    await this.#yardstick.answerWith(200, ours.sample)
    const before = cpuSeconds(this.#yardstick.pid)
    const bare = await load(this.#yardstick.target, connections, count, request)
    return {
      what,
      connections,
      perSecond: ours.requests / ours.seconds,
      p50: ours.p50,
      p99: ours.p99,
      cpu: undefined,
      failures: ours.failures,
      yardstickPerSecond: bare.requests / bare.seconds,
      yardstickCpu: ((cpuSeconds(this.#yardstick.pid) - before) / count) * 1e6,
    }
  }

  /** PUTs of whole ConfigMaps, each connection its own object so that none conflicts. */
  async updates(namespace: string, connections: number, count: number): Promise<Row> {
    const maps = `/api/v1/namespaces/${namespace}/configmaps`
    const agent = agentFor(1, this.#target)
    const body = (index: number, round: number) =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: `u${connections}-${index}` },
        data: { round: String(round), filling: 'x'.repeat(2000) },
      })
    const objects = 64
    for (let index = 0; index < objects; index++) {
      await send(this.#target, agent, { method: 'POST', path: maps, body: body(index, 0) })
    }
    agent.destroy()
    return this.row('update configmap', connections, count, index => ({
      method: 'PUT',
      path: `${maps}/u${connections}-${index % objects}`,
      body: body(index % objects, index + 1),
    }))
  }

  async lists(namespace: string, count: number): Promise<Row[]> {
    const pods = `/api/v1/namespaces/${namespace}/pods`
    await load(this.#target, 16, count, index => ({
      method: 'POST',
      path: pods,
      body: pod(`l-${index}`, { group: `g${index % 200}` }),
    }))
    return [
      await this.row(`list of ${count} pods`, 1, 100, () => ({ method: 'GET', path: pods })),
      await this.row(`list by selector (${Math.ceil(count / 200)} of ${count})`, 1, 1000, index => ({
        method: 'GET',
        path: `${pods}?labelSelector=group%3Dg${index % 200}`,
      })),
    ]
  }

  async fanOut(namespace: string, watchers: number): Promise<Row> {
    const maps = `/api/v1/namespaces/${namespace}/configmaps`
    const events = 20
    let bytes = 0
    let sample = Buffer.alloc(0)
    const began = { at: 0, cpu: 0 }
    const agent = agentFor(1, this.#target)
    let collecting = true
    const close = await openStreams(
      this.#target,
      `${maps}?watch=true&fieldSelector=metadata.name%3Dwatched`,
      watchers,
      chunk => {
        bytes += chunk.length
        if (collecting) sample = Buffer.concat([sample, chunk])
      },
    )
    await send(this.#target, agent, { method: 'POST', path: maps, body: configMap('watched', 0) })
    await settle(() => bytes)
    collecting = false
    const perEvent = bytes / watchers
    began.at = performance.now()
    began.cpu = this.#cpu()
    for (let index = 1; index <= events; index++) {
      const wanted = bytes + perEvent * watchers * 0.98
      await send(this.#target, agent, { method: 'PUT', path: `${maps}/watched`, body: configMap('watched', index) })
      while (bytes < wanted) await new Promise(resolve => setTimeout(resolve, 1))
    }
    await settle(() => bytes)
    const seconds = (performance.now() - began.at) / 1000
    const cpu = this.#cpu() - began.cpu
    close()
    agent.destroy()

    const payload = sample.subarray(0, Math.round(perEvent))
    let bareBytes = 0
    const closeBare = await openStreams(this.#yardstick.target, '/stream', watchers, chunk => {
      bareBytes += chunk.length
    })
    const bareBegan = performance.now()
    const bareCpu = cpuSeconds(this.#yardstick.pid)
    for (let index = 1; index <= events; index++) {
      const wanted = bareBytes + payload.length * watchers
      await this.#yardstick.broadcast(payload)
      while (bareBytes < wanted) await new Promise(resolve => setTimeout(resolve, 1))
    }
    const bareSeconds = (performance.now() - bareBegan) / 1000
    const bareUsed = cpuSeconds(this.#yardstick.pid) - bareCpu
    closeBare()
    const deliveries = events * watchers
    return {
      what: `watch: one event to ${watchers} watchers`,
      connections: watchers,
      perSecond: deliveries / seconds,
      cpu: this.#pids.length ? (cpu / deliveries) * 1e6 : undefined,
      yardstickPerSecond: deliveries / bareSeconds,
      yardstickCpu: (bareUsed / deliveries) * 1e6,
      note: 'per delivery',
    }
  }
}

/** From spawning the whole cluster to "ready", against `node -e 0`; the median of five each, in turn. */
async function startRow(): Promise<Row> {
  const ours: number[] = []
  const bare: number[] = []
  for (let round = 0; round < 5; round++) {
    const began = performance.now()
    execFileSync(process.execPath, ['-e', '0'])
    bare.push(performance.now() - began)
    const server = await startKubesim([])
    ours.push(server.readyAfter)
    await server.stop()
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!
  return {
    what: 'start to ready',
    connections: undefined,
    perSecond: undefined,
    cpu: undefined,
    note: `${median(ours).toFixed(0)} ms; node -e 0: ${median(bare).toFixed(0)} ms; ratio ${(median(ours) / median(bare)).toFixed(1)}`,
  }
}

async function deploymentRows(replicas: number, earlier: readonly Row[]): Promise<Row[]> {
  const server = await startKubesim(['--nodes', '20', '--delays', '0'])
  try {
    const agent = agentFor(1, server.target)
    const began = performance.now()
    const cpu = cpuSeconds(server.pid)
    await send(server.target, agent, {
      method: 'POST',
      path: '/apis/apps/v1/namespaces/default/deployments',
      body: deployment('big', replicas),
    })
    await untilRunning(server, agent, 'big', replicas)
    const seconds = (performance.now() - began) / 1000
    const used = cpuSeconds(server.pid) - cpu
    agent.destroy()
    const creates = earlier.find(row => row.what === 'create pod' && row.connections === 16)?.perSecond
    return [
      {
        what: `deployment of ${replicas} to all Running`,
        connections: undefined,
        perSecond: replicas / seconds,
        cpu: (used / replicas) * 1e6,
        note: `${seconds.toFixed(2)} s${creates ? `; as long as ${Math.round(seconds * creates)} creates take` : ''}`,
      },
    ]
  } finally {
    await server.stop()
  }
}

async function memoryRows(pods: number): Promise<Row[]> {
  const server = await startKubesim(['--nodes', String(Math.ceil(pods / 100)), '--delays', '0'])
  try {
    const agent = agentFor(1, server.target)
    await new Promise(resolve => setTimeout(resolve, 3000))
    const idle = residentMB(server.pid)
    for (let done = 0, index = 0; done < pods; done += 1000, index++) {
      const replicas = Math.min(1000, pods - done)
      await send(server.target, agent, {
        method: 'POST',
        path: '/apis/apps/v1/namespaces/default/deployments',
        body: deployment(`scale-${index}`, replicas),
      })
      await untilRunning(server, agent, `scale-${index}`, replicas)
    }
    await new Promise(resolve => setTimeout(resolve, 5000))
    const full = residentMB(server.pid)
    agent.destroy()
    const base = { connections: undefined, perSecond: undefined, cpu: undefined }
    return [
      { what: 'memory, idle', ...base, note: `${idle.toFixed(0)} MB` },
      {
        what: `memory, ${pods} Running pods`,
        ...base,
        note: `${full.toFixed(0)} MB; ${(((full - idle) * 1024) / pods).toFixed(1)} KB a pod`,
      },
    ]
  } finally {
    await server.stop()
  }
}

async function untilRunning(server: ServerProcess, agent: import('node:https').Agent, name: string, replicas: number) {
  for (;;) {
    const answer = await send(server.target, agent, {
      method: 'GET',
      path: `/apis/apps/v1/namespaces/default/deployments/${name}`,
    })
    const { status } = JSON.parse(answer.body.toString()) as { status?: { readyReplicas?: number } }
    if (status?.readyReplicas === replicas) return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

async function freshNamespace(target: Target): Promise<string> {
  const name = `bench-${process.pid}`
  const agent = agentFor(1, target)
  const answer = await send(target, agent, {
    method: 'POST',
    path: '/api/v1/namespaces',
    body: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
  })
  if (answer.status !== 201) throw new Error(`no namespace could be made: ${answer.body}`)
  // With no controllers there is nobody to make it; a real server's controllers may have been first.
  await send(target, agent, {
    method: 'POST',
    path: `/api/v1/namespaces/${name}/serviceaccounts`,
    body: JSON.stringify({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }),
  })
  agent.destroy()
  return name
}

async function warmUp(target: Target, pods: string): Promise<void> {
  const count = 1500
  const name = (index: number) => `${pods}/warm-${index}`
  await load(target, 16, count, index => ({ method: 'POST', path: pods, body: pod(`warm-${index}`) }))
  await load(target, 16, count, index => ({ method: 'GET', path: name(index) }))
  await load(target, 16, count, index => ({ method: 'DELETE', path: name(index) }))
}

/** A Pod of about 3 KB once it is stored, of the kind a Deployment makes. */
function pod(name: string, labels: Record<string, string> = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      labels: { app: 'bench', 'pod-template-hash': '5d4f8c7b9', ...labels },
      annotations: { note: 'x'.repeat(300) },
    },
    spec: {
      containers: [
        {
          name: 'web',
          image: 'nginx:1.27',
          ports: [{ name: 'http', containerPort: 80 }],
          env: Array.from({ length: 8 }, (_, index) => ({ name: `VARIABLE_${index}`, value: `value-${index}` })),
          resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '200m', memory: '256Mi' } },
          readinessProbe: { httpGet: { path: '/', port: 80 }, periodSeconds: 10 },
        },
      ],
    },
  })
}

function configMap(name: string, round: number): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    data: { round: String(round).padStart(6, '0'), filling: 'x'.repeat(2000) },
  })
}

function deployment(name: string, replicas: number): string {
  return JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'web', image: 'nginx', ports: [{ containerPort: 80 }] }] },
      },
    },
  })
}

function externalTarget(url: string, token: string | undefined): Target {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port || 443), token }
}

/** A throw-away certificate for the yardstick, of the same key type as ours (EC P-256). */
function selfSigned(): { cert: string; key: string } {
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
  const text = execFileSync('openssl', [...words, '-subj', '/CN=yardstick', '-keyout', '-', '-out', '-'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const part = (name: string) => new RegExp(`-----BEGIN ${name}-----[\\s\\S]+?-----END ${name}-----\n`).exec(text)![0]
  return { key: part('PRIVATE KEY'), cert: part('CERTIFICATE') }
}

/** Resolves when a counter has not moved for a while. */
async function settle(counter: () => number): Promise<void> {
  for (let last = -1; last !== counter(); ) {
    last = counter()
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}

function tableOf(rows: readonly Row[]): string {
  const header = [
    'WHAT',
    'CONN',
    'PER S',
    'P50 MS',
    'P99 MS',
    'CPU US',
    'BARE PER S',
    'BARE CPU US',
    'CPU RATIO',
    'FAILED',
    'NOTE',
  ]
  const number = (value: number | undefined, digits = 0) => (value === undefined ? '' : value.toFixed(digits))
  const lines = rows.map(row => [
    row.what,
    number(row.connections),
    number(row.perSecond),
    number(row.p50, 2),
    number(row.p99, 2),
    number(row.cpu),
    number(row.yardstickPerSecond),
    number(row.yardstickCpu),
    row.cpu !== undefined && row.yardstickCpu ? (row.cpu / row.yardstickCpu).toFixed(2) : '',
    row.failures ? String(row.failures) : '',
    row.note ?? '',
  ])
  const widths = header.map((word, column) => Math.max(word.length, ...lines.map(line => line[column]!.length)))
  return `${[header, ...lines]
    .map(line =>
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}\n`
}

if (process.argv.includes('--yardstick')) {
  process.once('message', ({ cert, key }: { cert: string; key: string }) => serveYardstick(cert, key))
} else {
  await main()
}
