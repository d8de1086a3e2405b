// The proxies of pods and Services over the wire, as upstream's item tries them (test/e2e/network/proxy.go).

import { once } from 'node:events'
import https from 'node:https'
import { expect, test } from 'vitest'
import { led, withLinksLed } from '../../apiserver/http/proxied-links.ts'
import { testCluster } from '../support/cluster.ts'

test('[sig-network] Proxy version v1 should proxy through a service and a pod', async () => {
  await using cluster = await testCluster({ nodes: 2, delays: 0 })
  const env = {
    SERVE_PORT_80: '<a href="/rewriteme">test</a>',
    SERVE_PORT_1080: '<a href="/rewriteme">test</a>',
    SERVE_PORT_160: 'foo',
    SERVE_PORT_162: 'bar',
    SERVE_TLS_PORT_443: '<a href="/tlsrewriteme">test</a>',
    SERVE_TLS_PORT_460: 'tls baz',
    SERVE_TLS_PORT_462: 'tls qux',
  }
  const ports = [
    ['dest1', 160],
    ['dest2', 162],
    ['tlsdest1', 460],
    ['tlsdest2', 462],
  ] as const
  await cluster.apply(
    {
      apiVersion: 'v1',
      kind: 'ReplicationController',
      metadata: { name: 'proxy-service' },
      spec: {
        selector: { target: 'true' },
        template: {
          metadata: { labels: { target: 'true' } },
          spec: {
            containers: [
              {
                name: 'porter',
                image: 'registry.k8s.io/e2e-test-images/agnhost:2.53',
                command: ['/agnhost', 'porter'],
                env: Object.entries(env).map(([name, value]) => ({ name, value })),
                ports: [{ containerPort: 80 }, ...ports.map(([name, containerPort]) => ({ name, containerPort }))],
                readinessProbe: { httpGet: { port: 80 }, initialDelaySeconds: 1 },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'proxy-service' },
      spec: {
        selector: { target: 'true' },
        ports: [
          { name: 'portname1', port: 80, targetPort: 'dest1' },
          { name: 'portname2', port: 81, targetPort: 162 },
          { name: 'tlsportname1', port: 443, targetPort: 'tlsdest1' },
          { name: 'tlsportname2', port: 444, targetPort: 462 },
        ],
      },
    },
  )
  await cluster.advance('15s')
  const [pod] = cluster.pods({ target: 'true' })
  const at = (plural: string, name: string) => (scheme: string, port: string) => {
    const whole = scheme ? `${scheme}:${name}:${port}` : port ? `${name}:${port}` : name
    return `/api/v1/namespaces/default/${plural}/${whole}/proxy`
  }
  const [service, own] = [at('services', 'proxy-service'), at('pods', pod!.metadata.name!)]
  const link = (path: string, page: string) => `<a href="${path}/${page}">test</a>`
  const expected: Record<string, string> = {
    [service('', 'portname1')]: 'foo',
    [service('http', 'portname1')]: 'foo',
    [service('', 'portname2')]: 'bar',
    [service('http', 'portname2')]: 'bar',
    [service('https', 'tlsportname1')]: 'tls baz',
    [service('https', 'tlsportname2')]: 'tls qux',
    [own('', '')]: link(own('', ''), 'rewriteme'),
    [own('', '1080')]: link(own('', '1080'), 'rewriteme'),
    [own('http', '1080')]: link(own('http', '1080'), 'rewriteme'),
    [own('', '160')]: 'foo',
    [own('http', '160')]: 'foo',
    [own('', '162')]: 'bar',
    [own('http', '162')]: 'bar',
    [own('https', '443')]: link(own('https', '443'), 'tlsrewriteme'),
    [own('https', '460')]: 'tls baz',
    [own('https', '462')]: 'tls qux',
  }
  await using door = await cluster.listen()
  const { ca, cert, key } = door.access as { ca: string; cert: string; key: string }
  for (let attempt = 0; attempt < 3; attempt++) {
    const said = await Promise.all(
      Object.keys(expected).map(async path => {
        const [response] = await once(https.get(`${door.url}${path}/`, { ca, cert, key }), 'response')
        let text = ''
        for await (const chunk of response) text += chunk
        return [path, text]
      }),
    )
    expect(Object.fromEntries(said)).toEqual(expected)
  }
})

test('a page’s links lead through the proxy, those to others stay', () => {
  const place = { prefix: '/p/proxy', host: '10.244.1.2:80' }
  expect(
    withLinksLed('<img src="/a.png" alt="/x"><a title="t" href=\'/b\'>b</a><p href="/c"><script src="d.js">', place),
  ).toBe('<img src="/p/proxy/a.png" alt="/x"><a title="t" href=\'/p/proxy/b\'>b</a><p href="/c"><script src="d.js">')
  expect(
    ['http://10.244.1.2:80/x', 'https://example.com/x', '/p/proxy/x', 'x', '//example.com/x'].map(url =>
      led(url, place),
    ),
  ).toEqual(['/p/proxy/x', 'https://example.com/x', '/p/proxy/x', 'x', '//example.com/x'])
})
