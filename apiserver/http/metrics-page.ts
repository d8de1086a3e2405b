// /metrics and /metrics/slis as text. Called by plain-pages.ts, once a scrape; prom-client, which prints them, is loaded by the first.

import { readdirSync, readFileSync } from 'node:fs'
import type { Env } from '../../src/env/env.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import type { Registry } from '../registry/registry.ts'
import { versionInfo } from './discovery.ts'
import type { HealthChecks } from './health.ts'
import type { Family } from './metric-families.ts'

export interface Page {
  readonly contentType: string
  readonly text: string
}

export async function metricsPage(families: readonly Family[]): Promise<Page> {
  // CommonJS: bundled, it has only a default.
  const { Registry } = (await import('prom-client')).default
  const registry = new Registry()
  for (const family of families) {
    if (family.values.length === 0) continue
    const metric = { name: family.name, get: async () => ({ ...family, aggregator: 'sum' }) }
    registry.registerMetric(metric as unknown as Parameters<typeof registry.registerMetric>[0])
  }
  return { contentType: registry.contentType, text: `${await registry.metrics()}` }
}

const gauge = (name: string, help: string, value: number): Family => ({
  name,
  help,
  type: 'gauge',
  values: [{ labels: {}, value }],
})

/** Of the process, as every Prometheus client tells them, and which Kubernetes this is. */
export function processFamilies({ wall }: Env): Family[] {
  const { user, system } = process.cpuUsage()
  return [
    {
      ...gauge('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.', (user + system) / 1e6),
      type: 'counter',
    },
    gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', process.memoryUsage.rss()),
    gauge(
      'process_start_time_seconds',
      'Start time of the process since unix epoch in seconds.',
      wall.now() / 1000 - process.uptime(),
    ),
    ...linuxFamilies(),
    {
      name: 'kubernetes_build_info',
      help: "A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running.",
      type: 'gauge',
      values: [{ labels: buildLabels(), value: 1 }],
    },
  ]
}

function buildLabels(): Record<string, string> {
  const { major, minor, gitVersion, gitCommit, gitTreeState, buildDate, goVersion, compiler, platform } = versionInfo()
  return {
    major,
    minor,
    git_version: gitVersion,
    git_commit: gitCommit,
    git_tree_state: gitTreeState,
    build_date: buildDate,
    go_version: goVersion,
    compiler,
    platform,
  }
}

function linuxFamilies(): Family[] {
  if (process.platform !== 'linux') return []
  try {
    const pages = Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[0])
    const most = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
    return [
      gauge('process_virtual_memory_bytes', 'Virtual memory size in bytes.', pages * 4096),
      gauge('process_open_fds', 'Number of open file descriptors.', readdirSync('/proc/self/fd').length),
      gauge('process_max_fds', 'Maximum number of open file descriptors.', Number(most?.[1] ?? 0)),
    ]
  } catch {
    // A system without them tells none.
    return []
  }
}

/** How many objects there are, under the name of old and that of Kubernetes 1.34. */
export function storedFamilies(registry: Registry): Family[] {
  const counted: { kind: Kind<any>; value: number }[] = []
  for (const kind of registry.kinds) {
    const value = registry.of(kind).count?.()
    if (value !== undefined) counted.push({ kind, value })
  }
  return [
    {
      name: 'apiserver_storage_objects',
      help: 'Number of stored objects at the time of last check split by kind. In case of a fetching error, the value will be -1.',
      type: 'gauge',
      values: counted.map(({ kind, value }) => ({ labels: { resource: kind.resource }, value })),
    },
    {
      name: 'apiserver_resource_objects',
      help: 'Number of stored objects at the time of last check split by kind. In case of a fetching error, the value will be -1.',
      type: 'gauge',
      values: counted.map(({ kind, value }) => ({ labels: { group: kind.group, resource: kind.plural }, value })),
    },
  ]
}

/** k8s.io/component-base/metrics/prometheus/slis. */
export function healthFamilies(checks: HealthChecks): Family[] {
  const values = ['healthz', 'livez', 'readyz'].flatMap(type =>
    Object.entries(checks).map(([name, check]) => ({ labels: { name, type }, value: check() ? 1 : 0 })),
  )
  return [
    {
      name: 'kubernetes_healthcheck',
      help: 'This metric records the result of a single healthcheck.',
      type: 'gauge',
      values,
    },
  ]
}
