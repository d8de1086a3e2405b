// /metrics as Prometheus reads it, with the names, labels and buckets of a real API server
// (k8s.io/apiserver/pkg/endpoints/metrics/metrics.go).

import { once } from 'node:events'
import { expect, test } from 'vitest'
import { ConfigMaps } from '../../src/kinds/index.ts'
import { type Door, openDoor } from './door.ts'

const maps = '/api/v1/namespaces/default/configmaps'

async function scrape(door: Door, path = '/metrics'): Promise<Map<string, number>> {
  const { code, text, headers } = await door.ask(path)
  expect(code).toBe(200)
  expect(headers['content-type']).toMatch(/^text\/plain; version=0.0.4; charset=utf-8/)
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

const labels = (verb: string, scope: string, resource = 'configmaps', subresource = '') =>
  `verb="${verb}",dry_run="",group="",version="v1",resource="${resource}",subresource="${subresource}",scope="${scope}",component="apiserver"`

test('requests by verb, resource, scope and code, their times and sizes', async () => {
  await using door = await openDoor()
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } })
  const post = { method: 'POST', type: 'application/json', body }
  await door.ask(maps, post)
  await door.ask(maps, post)
  await door.ask(`${maps}/a`)
  await door.ask(`${maps}/none`)
  await door.ask(maps)
  await door.ask('/api/v1/configmaps')
  await door.ask(`${maps}?fieldSelector=metadata.name%3Da`)
  await door.ask(maps, { method: 'DELETE' })
  const told = await scrape(door)
  const total = (what: string, code: number) => told.get(`apiserver_request_total{${what},code="${code}"}`)
  expect(total(labels('POST', 'resource'), 201)).toBe(1)
  expect(total(labels('POST', 'resource'), 409)).toBe(1)
  expect(total(labels('GET', 'resource'), 200)).toBe(1)
  expect(total(labels('GET', 'resource'), 404)).toBe(1)
  expect(total(labels('LIST', 'namespace'), 200)).toBe(1)
  expect(total(labels('LIST', 'cluster'), 200)).toBe(1)
  expect(total(labels('LIST', 'resource'), 200)).toBe(1)
  expect(total(labels('DELETECOLLECTION', 'namespace'), 200)).toBe(1)
  expect(told.get(`apiserver_request_duration_seconds_bucket{${labels('GET', 'resource')},le="0.005"}`)).toBe(2)
  expect(told.get(`apiserver_request_duration_seconds_count{${labels('POST', 'resource')}}`)).toBe(2)
  const sized = labels('LIST', 'cluster').replace('dry_run="",', '')
  expect(told.get(`apiserver_response_sizes_bucket{${sized},le="+Inf"}`)).toBe(1)
})

test('watches are long-running until they end, and their events are counted', async () => {
  await using door = await openDoor()
  const watch = labels('WATCH', 'namespace').replace('dry_run="",', '')
  const response = await door.open(`${maps}?watch=true`)
  await door.server.client
    .of(ConfigMaps)
    .create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' } })
  await once(response, 'data')
  let told = await scrape(door)
  expect(told.get(`apiserver_longrunning_requests{${watch}}`)).toBe(1)
  expect(told.get('apiserver_watch_events_total{group="",version="v1",resource="configmaps"}')).toBe(1)
  expect(told.get(`apiserver_request_total{${labels('WATCH', 'namespace')},code="200"}`)).toBeUndefined()
  response.destroy()
  do told = await scrape(door)
  while (told.has(`apiserver_longrunning_requests{${watch}}`))
  expect(told.get(`apiserver_request_total{${labels('WATCH', 'namespace')},code="200"}`)).toBe(1)
})

test('what is stored, what runs at once, what is deprecated, and the process itself', async () => {
  await using door = await openDoor()
  await door.ask('/api/v1/namespaces/default/endpoints')
  const told = await scrape(door)
  const namespaces = (await door.ask('/api/v1/namespaces')).json.items.length
  expect(told.get('apiserver_storage_objects{resource="namespaces"}')).toBe(namespaces)
  expect(told.get('apiserver_resource_objects{group="apps",resource="deployments"}')).toBe(0)
  expect(told.get('apiserver_current_inflight_requests{request_kind="readOnly"}')).toBeGreaterThanOrEqual(1)
  expect(told.get('apiserver_current_inflight_requests{request_kind="mutating"}')).toBe(0)
  const endpoints = 'group="",version="v1",resource="endpoints",subresource="",removed_release=""'
  expect(told.get(`apiserver_requested_deprecated_apis{${endpoints}}`)).toBe(1)
  expect(told.get('process_cpu_seconds_total')).toBeGreaterThan(0)
  expect(told.get('process_resident_memory_bytes')).toBeGreaterThan(1e6)
  expect([...told.keys()].find(key => key.startsWith('kubernetes_build_info{'))).toContain('git_version="v1.36.0"')
})

test('health, as a metric of its own', async () => {
  await using door = await openDoor()
  const told = await scrape(door, '/metrics/slis')
  expect(told.get('kubernetes_healthcheck{name="ping",type="livez"}')).toBe(1)
})

test('who asks for what is not there makes no series of its own', async () => {
  await using door = await openDoor()
  for (const path of ['/a', '/b', '/c/d']) await door.ask(path)
  const told = await scrape(door)
  const paths = [...told.keys()].filter(key => key.startsWith('apiserver_request_total') && key.includes('resource=""'))
  expect(paths).toHaveLength(1)
})
