// serve: a cluster with its HTTPS door, as `kubesim start --foreground` runs it: data directory, certificates, journal,
// cluster, listener, kubeconfig. Resolves when kubectl would work.

import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Audit } from '../apiserver/audit/audit.ts'
import { createAuthenticator } from '../apiserver/auth/authentication.ts'
import { loadOrCreateSigningKey } from '../apiserver/auth/service-account-keys.ts'
import { readTokens } from '../apiserver/auth/token-file.ts'
import { createHttpServer } from '../apiserver/http/app.ts'
import { certificateSigner, ingressCertificate, loadOrCreateCertificates } from '../apiserver/http/certificates.ts'
import type { HealthChecks } from '../apiserver/http/health.ts'
import type { OwnRequest } from '../apiserver/http/own-requests.ts'
import type { User } from '../apiserver/registry/registry.ts'
import { type Journal, JournalError, MemoryJournal } from '../apiserver/storage/journal.ts'
import type { DnsServer } from '../kubelet-sim/network/dns-server.ts'
import { rfc3339 } from './api/time.ts'
import type { ClusterRecord } from './cli/cluster-record.ts'
import { type Access, writeKubeconfig } from './client/kubeconfig.ts'
import { ClockControl } from './clock-control.ts'
import { type Cluster, createCluster } from './cluster.ts'
import { type Config, ConfigError, unreadable } from './config.ts'
import type { Env } from './env/env.ts'
import { keepHeapSmall } from './env/memory.ts'
import { type RealEnv, realEnv } from './env/real-env.ts'
import type { Classroom } from './lessons/classroom.ts'
import { ownPaths } from './own-paths.ts'
import type { RecordedRun } from './recording/recorded-run.ts'
import { nodesWherever } from './remote-nodes.ts'
import { schedulerConfigurationOf } from './scheduler-configuration.ts'
import { staticPodsIn } from './static-pods-folder.ts'
import { version } from './version.ts'
import { volumeFolder } from './volume-folder.ts'

/** A cluster behind its HTTPS door. */
export interface Serving {
  readonly record: ClusterRecord
  /** What a kubeconfig needs to reach it. */
  readonly access: Access
  /** Resolves when everything has ended after the signal. */
  readonly ended: Promise<void>
}

/** Throws ConfigError, whose message is for the user, when the data directory or the port cannot be had. */
export async function serve(config: Config, signal: AbortSignal): Promise<Serving> {
  keepHeapSmall()
  const scheduler = await schedulerConfigurationOf(config)
  const real = realEnv({ logLevel: config.logLevel, seed: config.seed })
  const run = config.record === undefined ? undefined : await recordedRunOf(config.record, config, real)
  const env = run?.door ?? real
  const tokens = tokensOf(config, env)
  const audit = await auditOf(config, env)
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 })
  const journal = await openJournal(config)
  const names = [config.bindAddress]
  // What was only imported has run nowhere else: it goes on.
  const hasRun = existsSync(join(config.dataDir, 'pki'))
  const certificates = loadOrCreateCertificates(join(config.dataDir, 'pki'), env, { names })
  // The port is had before anything is started upon it: the nodes' addresses follow from it.
  const { port, address } = await freePlace(config)
  const reached = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address
  const cluster = await createCluster({
    env: run?.within ?? env,
    wallOutside: real.wall,
    journal,
    nodes: config.nodes,
    without: config.without,
    delays: config.delays,
    endpoint: { address: reached, port },
    certificateAuthority: certificates.ca.cert,
    signingKey: loadOrCreateSigningKey(join(config.dataDir, 'pki')),
    certificateSigner: certificateSigner(certificates.ca, env),
    listen: { ingressPort: config.ingressPort, ingressCertificate: () => ingressCertificate(env) },
    platform: process.platform,
    scheduler,
    isDualStack: config.dualStack,
    staticPods: config.staticPods === undefined ? undefined : await staticPodsIn(config.staticPods, env),
    areNodesRebooted: hasRun,
    volumeData:
      config.memory || run !== undefined ? undefined : volumeFolder(join(config.dataDir, 'volumes'), config.fsync),
    withRoles: true,
    history: config.history,
  })
  // What was written when time had been advanced was not written in the future.
  if (run === undefined) real.clock.notBefore(cluster.storage.lastAt ?? 0)
  else {
    const endpoint = { address: reached, port }
    await run.begin(cluster, { endpoint, certificateAuthority: certificates.ca.cert, areNodesRebooted: hasRun })
  }
  const clock = new ClockControl(env, cluster.storage, config.without)
  const lessons = lazyClassroom()
  const own = { cluster, clockControl: clock, lessons: lessons.open }
  const ownAnswer = (request: OwnRequest) => ownPaths(own, request)
  let isStarted = false
  const door = createHttpServer({
    env,
    registry: run?.registry ?? cluster.server.registry,
    flows: cluster.server.flows,
    aggregation: cluster.server.aggregation,
    nodes: nodesWherever(cluster.client, cluster.nodes.nodeClient, cluster.isRunning),
    authenticate: createAuthenticator({ tokens, serviceAccounts: cluster.server.tokens }),
    authorizer: cluster.server.authorizer,
    tokens: cluster.server.tokens,
    certificates,
    checks: startChecks(() => isStarted),
    audit,
    metrics: () => cluster.metrics(),
    faults: run?.faults ?? cluster.faults,
    past: revision => cluster.server.past.at(revision),
    pages: path => decisionAt(path, cluster),
    own: run?.own(ownAnswer) ?? ownAnswer,
  })
  cluster.nodes.network.apiServer = (stream, from) => door.take(stream, from)
  try {
    await door.listen(port, config.bindAddress)
  } catch (error) {
    await cluster.close()
    throw listenError(config, error as NodeJS.ErrnoException)
  }
  // What of it takes time runs beside the start.
  const opening = openDns(config, cluster, env)
  await cluster.start()
  run?.open()
  isStarted = true
  const dns = await opening

  const server = `https://${reached.includes(':') ? `[${reached}]` : reached}:${port}`
  const access: Access = {
    server,
    ca: certificates.ca.cert,
    cert: certificates.admin.cert,
    key: certificates.admin.key,
  }
  writeKubeconfig(config.kubeconfig, config.name, access)
  const ended = new Promise<void>(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  }).then(async () => {
    await lessons.close()
    await door.close()
    await dns?.close()
    await run?.close()
    await cluster.close()
    audit?.close()
  })
  return { record: recordOf(config, server, cluster, dns, rfc3339(env.clock.now())), access, ended }
}

/** Loaded only here: most clusters are not recorded. */
async function recordedRunOf(file: string, config: Config, real: RealEnv): Promise<RecordedRun> {
  const { recordedRun } = await import('./recording/recorded-run.ts')
  return recordedRun(file, config, real)
}

/** Loaded when somebody asks for the lessons. */
function lazyClassroom() {
  let classroom: Promise<Classroom> | undefined
  return {
    open(): Promise<Classroom> {
      classroom ??= import('./lessons/classroom.ts').then(({ Classroom }) => new Classroom())
      return classroom
    },
    async close(): Promise<void> {
      await (await classroom)?.close()
    },
  }
}

/** `/simulator/scheduler/decisions/NAMESPACE/POD`: what `kubesim why` shows. */
function decisionAt(path: string, { decisions }: Cluster): object | undefined {
  const [, namespace, name] = /^\/simulator\/scheduler\/decisions\/([^/]+)\/([^/]+)$/.exec(path) ?? []
  return namespace === undefined || name === undefined ? undefined : decisions.get({ namespace, name })
}

/** Undefined unless there are both a policy and a place to write to, as upstream has it. */
async function auditOf({ auditPolicyFile: file, auditLog }: Config, env: Env): Promise<Audit | undefined> {
  if (file === undefined) {
    if (auditLog.path !== undefined) env.log.warn({}, 'without --audit-policy-file nothing is written to the audit log')
    return undefined
  }
  const { path, ...limits } = auditLog
  if (path === undefined) return undefined
  const { openAudit } = await import('../apiserver/audit/open.ts')
  const warn = (text: string): void => env.log.warn({}, text)
  const failed = (error: Error): void => env.log.error({ error }, 'a line of the audit log is lost')
  try {
    return openAudit({ policyFile: file, log: { path, ...limits, now: () => env.clock.now(), failed }, warn })
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    throw new ConfigError(code === undefined ? message : `the audit log ${path} cannot be written: ${code}`, { cause })
  }
}

function tokensOf({ tokenAuthFile: file }: Config, env: Env): ReadonlyMap<string, User> | undefined {
  if (file === undefined) return undefined
  try {
    return readTokens(readFileSync(file, 'utf8'), file, warning => env.log.warn({}, warning))
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    throw new ConfigError(code === undefined ? message : unreadable(file, cause), { cause })
  }
}

/** The names under which a real server tells how far its start has come, as far as there is such a thing here. */
function startChecks(isStarted: () => boolean): HealthChecks {
  return {
    etcd: () => true,
    'etcd-readiness': () => true,
    'informer-sync': isStarted,
    'poststarthook/start-system-namespaces-controller': isStarted,
    'poststarthook/bootstrap-controller': isStarted,
    'poststarthook/rbac/bootstrap-roles': isStarted,
    'poststarthook/kube-apiserver-autoregistration': isStarted,
  }
}

async function openJournal(config: Config): Promise<Journal> {
  if (config.memory) return new MemoryJournal()
  const { LevelJournal } = await import('../apiserver/storage/level-journal.ts')
  try {
    return await LevelJournal.open(join(config.dataDir, 'store'), { fsync: config.fsync })
  } catch (error) {
    if (error instanceof JournalError) throw new ConfigError(error.message, { cause: error })
    throw error
  }
}

/** The port that was asked for (for 0, one that is free) and the address that a name stands for. */
async function freePlace(config: Config): Promise<{ port: number; address: string }> {
  const { createServer } = await import('node:net')
  const probe = createServer()
  return new Promise((resolve, reject) => {
    probe.once('error', error => reject(listenError(config, error)))
    probe.listen(config.port, config.bindAddress, () => {
      const { port, address } = probe.address() as AddressInfo
      probe.close(() => resolve({ port, address }))
    })
  })
}

function listenError({ port, bindAddress }: Config, error: NodeJS.ErrnoException): Error {
  if (error.code === 'EADDRINUSE') {
    return new ConfigError(`port ${port} of ${bindAddress} is in use: choose another with --port, or 0 for a free one`)
  }
  if (error.code === 'EACCES') {
    return new ConfigError(
      `port ${port} of ${bindAddress} may not be used by this user: choose one above 1023 with --port`,
    )
  }
  if (error.code === 'EADDRNOTAVAIL') return new ConfigError(`${bindAddress} is not an address of this machine`)
  return error
}

/** A cluster is one without it too, so a port that cannot be had is only told of. */
async function openDns({ dnsPort, without }: Config, { nodes }: Cluster, env: Env): Promise<DnsServer | undefined> {
  if (dnsPort === undefined || (without.includes('kubelet') && without.includes('proxy'))) return undefined
  const { openDnsServer } = await import('../kubelet-sim/network/dns-server.ts')
  try {
    return await openDnsServer(nodes.network, dnsPort)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    env.log.warn({ port: dnsPort, code }, 'the names of the cluster are not answered on the loopback')
    return undefined
  }
}

function recordOf(
  config: Config,
  server: string,
  cluster: Cluster,
  dns: DnsServer | undefined,
  startedAt: string,
): ClusterRecord {
  return {
    name: config.name,
    pid: process.pid,
    server,
    kubeconfig: config.kubeconfig,
    version,
    memory: config.memory,
    nodeAddress: cluster.nodes.plan.node(1).address,
    ingress: `${cluster.nodes.plan.ingress}:${config.ingressPort}`,
    ...(dns ? { dns: dns.place } : {}),
    startedAt,
  }
}
