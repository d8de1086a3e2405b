// The store alone, without the API before it: grouped commits a second and the CPU time of each, reading, memory for each
// object, opening again. For tuning and for docs/storage.md. To run it, with words to pick rows (write, life, …) or none:
//   node -e "import('./scripts/build.js').then(build => build.runScript('bench/storage.ts', ['write']))"
// Rates swing with the machine; CPU time is what repeats.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Journal, MemoryJournal } from '../apiserver/storage/journal.ts'
import { LevelJournal } from '../apiserver/storage/level-journal.ts'
import { RevisionStore } from '../apiserver/storage/revision-store.ts'
import type { StorageOptions } from '../apiserver/storage/storage.ts'
import type { Frozen, KubeObject } from '../src/api/meta.ts'
import { realEnv } from '../src/env/real-env.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
const env = realEnv({ seed: 1, logLevel: 'silent' })
const folder = mkdtempSync(join(tmpdir(), 'kubesim-bench-'))
const words = process.argv.slice(2)
let directories = 0

const journals: Readonly<Record<string, (directory: string) => Promise<Journal>>> = {
  'in memory': async () => new MemoryJournal(),
  synced: directory => LevelJournal.open(directory),
  'not synced': directory => LevelJournal.open(directory, { fsync: false }),
}

try {
  if (wants('write'))
    for (const journal of Object.keys(journals)) for (const writers of [1, 16, 64]) await writes(journal, writers)
  if (wants('life')) for (const journal of Object.keys(journals)) await lives(journal, 16)
  if (wants('read')) await reads(10_000)
  if (wants('subscribe')) await subscribers(1_000)
  if (wants('memory')) for (const journal of ['in memory', 'synced']) apart('only-memory', journal)
  if (words[0] === 'only-memory') await memory(words[1]!, 10_000)
  if (wants('open')) await opening(30_000)
} finally {
  env.clock.close()
  rmSync(folder, { recursive: true, force: true })
}

function wants(row: string): boolean {
  return words.length === 0 || words.some(word => word === row)
}

/** Pods of 3 KB are created, each its own, by so many writers at once. */
async function writes(journal: string, writers: number): Promise<void> {
  const count = journal === 'synced' && writers === 1 ? 4_000 : 20_000
  const { store } = await open(journal)
  const drafts = Array.from({ length: count }, (_, index) => pod(index))
  const end = begin()
  let next = 0
  await together(writers, async () => {
    while (next < count) {
      const draft = drafts[next++]!
      await store.write(keyOf(draft), () => ({ put: draft }))
    }
  })
  say(`write, ${journal}, ${writers} writer${writers > 1 ? 's' : ''}`, end(count))
  await store.close()
}

/** Each Pod is created, bound and brought to Running: three writes, of which two share most of what was there. */
async function lives(journal: string, writers: number): Promise<void> {
  const count = 6_000
  const { store } = await open(journal)
  const drafts = Array.from({ length: count }, (_, index) => pod(index))
  const end = begin()
  let next = 0
  await together(writers, async () => {
    while (next < count) await live(store, drafts[next]!, next++)
  })
  say(`life of a pod, 3 writes, ${journal}, ${writers} writers`, end(count * 3))
  await store.close()
}

async function live(store: RevisionStore, draft: KubeObject, index: number): Promise<void> {
  const key = keyOf(draft)
  await store.write(key, () => ({ put: draft }))
  await store.write(key, current => {
    const { object } = current! as unknown as { object: { spec: object } }
    return { put: { ...object, spec: { ...object.spec, nodeName: `node-${index % 30}` } } as unknown as KubeObject }
  })
  await store.write(key, current => ({
    put: {
      ...current!.object,
      status: { phase: 'Running', podIP: `10.244.0.${index % 250}` },
    } as unknown as KubeObject,
  }))
}

async function reads(count: number): Promise<void> {
  const { store } = await open('in memory')
  await together(64, async worker => {
    for (let index = worker; index < count; index += 64) await live(store, pod(index), index)
  })
  const pods = '/registry/core/pods/'
  store.withTerm(pods, 'label:app=app-1')
  const time = (what: string, rounds: number, run: (round: number) => number) => {
    let found = 0
    const end = begin()
    for (let round = 0; round < rounds; round++) found = run(round)
    say(`read, ${what} (${found} found)`, end(rounds))
  }
  time(`get, of ${count}`, 200_000, round => (store.get(`${pods}default/pod-${round % count}`) ? 1 : 0))
  time(`list, of ${count}`, 200, () => store.list(pods).length)
  time('list of a namespace', 200, () => store.list(`${pods}default/`).length)
  time('by a term that few have', 100_000, round => store.withTerm(pods, `label:pod=${round % 5_000}`).length)
  time('by node', 2_000, round => store.withTerm(pods, `field:spec.nodeName=node-${round % 30}`).length)
  time('list 1,000 revisions ago', 100, round => store.list(pods, store.revision - 1_000 - round).length)
  await store.close()
}

async function subscribers(count: number): Promise<void> {
  const { store } = await open('in memory')
  let heard = 0
  for (let index = 0; index < count; index++) {
    store.subscribe('/registry/core/pods/', store.revision, events => {
      heard += events.length
    })
    store.subscribe(`/registry/core/pods/other-${index}/`, store.revision, () => {})
  }
  const writes = 2_000
  const end = begin()
  for (let index = 0; index < writes; index++) await store.write(keyOf(pod(index)), () => ({ put: pod(index) }))
  say(`subscribe, a write with ${count} who hear it and as many who do not (${heard} heard)`, end(writes))
  await store.close()
}

/** In a process of its own: what others left behind would be counted too. */
function apart(...args: string[]): void {
  spawnSync(process.execPath, [process.argv[1]!, ...args], { stdio: 'inherit' })
}

async function memory(journal: string, count: number): Promise<void> {
  const before = used()
  const { store } = await open(journal, { keepParsed: key => !key.includes('/events/') })
  await together(16, async worker => {
    for (let index = worker; index < count; index += 16) {
      const draft = pod(index)
      await live(store, draft, index)
      for (const reason of ['Scheduled', 'Pulling', 'Pulled', 'Created', 'Started']) {
        const happening = event(draft, reason)
        await store.write(`/registry/core/events/default/${happening.metadata.name}`, () => ({ put: happening }))
      }
    }
  })
  store.withTerm('/registry/core/pods/', 'label:app=app-1')
  const full = used()
  process.stdout.write(
    `memory, ${journal}: ${count} pods, 3 writes and 5 events each: ${shown(before, full, count)}; a Pod is ${
      store.list('/registry/core/pods/')[0]!.bytes.length
    } bytes, an Event ${store.list('/registry/core/events/')[0]!.bytes.length}\n`,
  )
  await store.compact(store.revision)
  process.stdout.write(`memory, ${journal}: the same without history: ${shown(before, used(), count)}\n`)
  await store.close()
}

async function opening(count: number): Promise<void> {
  const { store, directory } = await open('not synced')
  await together(64, async worker => {
    for (let index = worker; index < count; index += 64) await live(store, pod(index), index)
  })
  await store.close()
  const end = begin()
  const again = await open('synced', {}, directory)
  say(`open, ${count} pods and ${again.store.revision - again.store.compacted} events of history`, end(1))
  const first = begin()
  again.store.withTerm('/registry/core/pods/', 'label:app=app-1')
  say('open, the first question by term', first(1))
  const forgetting = begin()
  await again.store.compact(again.store.revision)
  say('open, forgetting all history', forgetting(1))
  await again.store.close()
}

async function open(journal: string, options: StorageOptions = {}, directory = join(folder, String(directories++))) {
  const store = await RevisionStore.open(env, await journals[journal]!(directory), { terms, ...options })
  return { store, directory }
}

async function together(count: number, work: (worker: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, worker) => work(worker)))
}

interface Figures {
  readonly perSecond: number
  readonly wall: number
  readonly cpu: number
}

/** Microseconds of wall and CPU time for each of so many. */
function begin(): (count: number) => Figures {
  collectGarbage()
  const cpu = process.cpuUsage()
  const wall = performance.now()
  return count => {
    const took = performance.now() - wall
    const { user, system } = process.cpuUsage(cpu)
    return { perSecond: (count / took) * 1_000, wall: (took * 1_000) / count, cpu: (user + system) / count }
  }
}

function say(what: string, { perSecond, wall, cpu }: Figures): void {
  const figures = `${Math.round(perSecond).toLocaleString('en')}/s, ${wall.toFixed(1)} µs, ${cpu.toFixed(1)} µs of CPU`
  process.stdout.write(`${what}: ${figures}\n`)
}

function used(): NodeJS.MemoryUsage {
  collectGarbage()
  collectGarbage()
  return process.memoryUsage()
}

function shown(before: NodeJS.MemoryUsage, after: NodeJS.MemoryUsage, count: number): string {
  const each = (part: 'heapUsed' | 'arrayBuffers' | 'rss') =>
    `${((after[part] - before[part]) / count / 1_024).toFixed(1)} KiB`
  return `a pod's share is ${each('heapUsed')} of heap and ${each('arrayBuffers')} of buffers; resident set ${each('rss')}`
}

function terms(_key: string, object: Frozen<KubeObject>): readonly string[] {
  const { spec } = object as unknown as { spec?: { nodeName?: string } }
  const terms = Object.entries(object.metadata.labels ?? {}).map(([name, value]) => `label:${name}=${value}`)
  if (object.kind === 'Pod') terms.push(`field:spec.nodeName=${spec?.nodeName ?? ''}`)
  return terms
}

function keyOf({ metadata }: KubeObject): string {
  return `/registry/core/pods/${metadata.namespace}/${metadata.name}`
}

/** About what a small Deployment's Pod is, once it is defaulted. */
function pod(index: number): KubeObject {
  const container = (name: string) => ({
    name,
    image: 'registry.example/team/application:1.4.2',
    imagePullPolicy: 'IfNotPresent',
    ports: [{ containerPort: 8_080, protocol: 'TCP', name: 'http' }],
    env: Array.from({ length: 6 }, (_, at) => ({ name: `SETTING_NUMBER_${at}`, value: `value-${index}-${at}` })),
    resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '500m', memory: '256Mi' } },
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    readinessProbe: {
      httpGet: { path: '/ready', port: 8_080, scheme: 'HTTP' },
      timeoutSeconds: 1,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
    },
    volumeMounts: [
      { name: 'kube-api-access', readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
    ],
  })
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `pod-${index}`,
      namespace: index % 2 ? 'default' : 'other',
      uid: env.random.uid(),
      creationTimestamp: '2024-01-01T00:00:00Z',
      labels: { app: `app-${index % 300}`, pod: `${index}`, 'pod-template-hash': '7d9f8c6b5d' },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: `app-${index % 300}-7d9f8c6b5d`,
          uid: env.random.uid(),
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      containers: [container('application'), container('sidecar')],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'default',
      serviceAccount: 'default',
      securityContext: {},
      schedulerName: 'default-scheduler',
      tolerations: ['not-ready', 'unreachable'].map(what => ({
        key: `node.kubernetes.io/${what}`,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 300,
      })),
      priority: 0,
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
    },
    status: { phase: 'Pending', qosClass: 'Burstable' },
  } as KubeObject
}

function event({ metadata }: KubeObject, reason: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      name: `${metadata.name}.${reason.toLowerCase()}`,
      namespace: 'default',
      uid: env.random.uid(),
      creationTimestamp: '2024-01-01T00:00:00Z',
    },
    involvedObject: {
      kind: 'Pod',
      namespace: metadata.namespace,
      name: metadata.name,
      uid: metadata.uid,
      apiVersion: 'v1',
    },
    reason,
    message: `What a component has to say about ${reason} of ${metadata.name}`,
    source: { component: 'kubelet', host: 'node-1' },
    firstTimestamp: '2024-01-01T00:00:00Z',
    lastTimestamp: '2024-01-01T00:00:00Z',
    count: 1,
    type: 'Normal',
    eventTime: null,
    reportingComponent: 'kubelet',
    reportingInstance: 'node-1',
  } as unknown as KubeObject
}
