// What the families of images declare, held against what the documentation's pages say of those images.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Container } from '../../../generated/types.ts'
import { ImageBook } from '../../../kubelet-sim/image-book.ts'
import { accessLine } from '../../../kubelet-sim/images/access-log.ts'
import { catalog } from '../../../kubelet-sim/images/index.ts'
import { fillFacts, fillTimes } from '../../../kubelet-sim/images/placeholders.ts'
import { memoryPasses, usageAt } from '../../../kubelet-sim/images/usage.ts'
import { behaviourOf, catalogImage } from '../../../kubelet-sim/images.ts'
import { respond } from '../../../kubelet-sim/network/http.ts'
import { parseImageName } from '../../../src/kinds/image-name.ts'

const book = new ImageBook()
const of = (image: string, rest: Partial<Container> = {}) =>
  behaviourOf({ name: 'c', image, ...rest }, book.find(image), {}, 'web-1')

const speaker = { pod: 'web-1', node: 'node-1', address: '10.244.1.7', client: '10.244.0.1', unhealthy: false }
const ask = (image: string, path = '/', rest: Partial<Container> = {}, headers: Record<string, string> = {}) => {
  const { status, body } = respond(of(image, rest), { method: 'GET', path, headers, body: Buffer.alloc(0) }, speaker)
  return { status, text: Buffer.from(body).toString() }
}

describe('what they say', () => {
  test('hello-app says its version and its pod (kubernetes.io: Set up Ingress on Minikube)', () => {
    expect(ask('gcr.io/google-samples/hello-app:1.0').text).toBe('Hello, world!\nVersion: 1.0.0\nHostname: web-1\n')
    expect(ask('gcr.io/google-samples/hello-app:2.0').text).toBe('Hello, world!\nVersion: 2.0.0\nHostname: web-1\n')
  })

  test("nginx' page is 615 bytes long, and there is no other", () => {
    expect(ask('nginx:1.27').text).toHaveLength(615)
    expect(ask('nginx:1.27', '/nothing')).toMatchObject({
      status: 404,
      text: expect.stringContaining('<hr><center>nginx/1.29.3</center>\r\n'),
    })
  })

  test('the backend of "Connect a Frontend to a Backend" greets as JSON', () => {
    expect(ask('gcr.io/google-samples/hello-go-gke:1.0').text).toBe('{"message":"Hello"}\n')
  })

  test('the image of the HPA walk-through says OK!', () => {
    expect(ask('registry.k8s.io/hpa-example').text).toBe('OK!\n')
  })

  test('http-echo says its -text on its -listen', () => {
    const args = ['-listen=:8080', '-text=just made some syscalls!']
    expect(of('hashicorp/http-echo:0.2.3', { args }).ports).toEqual([8080])
    expect(ask('hashicorp/http-echo:0.2.3', '/', { args }).text).toBe('just made some syscalls!\n')
  })

  test('whoami and echo servers tell who asks and what', () => {
    const headers = { host: 'who.local', 'user-agent': 'curl/8' }
    expect(ask('traefik/whoami', '/a?b=c', {}, headers).text).toBe(
      'Hostname: web-1\nIP: 127.0.0.1\nIP: ::1\nIP: 10.244.1.7\nRemoteAddr: 10.244.0.1\nGET /a?b=c HTTP/1.1\nHost: who.local\nUser-Agent: curl/8\n\n',
    )
    expect(ask('kicbase/echo-server:1.0', '/x', {}, headers).text).toMatch(/^Request served by web-1\n\nGET \/x HTTP/)
    expect(ask('registry.k8s.io/echoserver:1.4', '/x?y=1', {}, headers).text).toContain(
      '\tclient_address=10.244.0.1\n\tmethod=GET\n\treal path=/x?y=1\n\tquery=y=1\n',
    )
  })

  test('an image nobody knows names the pod and the node', () => {
    expect(ask('registry.example/example-image:v1').text).toBe(
      'Hello from registry.example/example-image:v1\npod web-1 on node-1\n',
    )
  })
})

describe('what they print', () => {
  const at = Date.UTC(2024, 0, 5, 9, 8, 7, 65)

  test('hello-world greets and ends', () => {
    const { script } = of('hello-world')
    expect(script.lines[1]?.text).toBe('Hello from Docker!')
    expect(script.exit).toEqual({ at: 0, code: 0 })
  })

  test('times are written as each program writes them', () => {
    const lines = (image: string) => of(image).script.lines.map(({ text }) => fillTimes(text, at))
    expect(lines('nginx')).toContain('2024/01/05 09:08:07 [notice] 1#1: start worker processes')
    expect(lines('httpd')[2]).toMatch(/^\[Fri Jan 05 09:08:07\.065000 2024\] \[mpm_event:notice\]/)
    expect(fillTimes('$(redis-time)', at)).toBe('05 Jan 2024 09:08:07.065')
    expect(fillTimes('$(postgres-time)', at)).toBe('2024-01-05 09:08:07.065')
  })

  test('an unknown placeholder stays, and none of a prototype is known', () => {
    expect(fillFacts('$(constructor) $(hostname) $(nobody)', { hostname: 'a' })).toBe('$(constructor) a $(nobody)')
    expect(fillTimes('$(constructor)', at)).toBe('$(constructor)')
  })

  test('for a request each prints its own line', () => {
    const served = { at, client: '10.244.0.9', method: 'GET', path: '/', status: 200, bytes: 615, headers: {} }
    expect(accessLine(of('nginx').accessLog, served)).toBe(
      '10.244.0.9 - - [05/Jan/2024:09:08:07 +0000] "GET / HTTP/1.1" 200 615 "-" "-" "-"',
    )
    expect(accessLine(of('httpd').accessLog, served)).toBe(
      '10.244.0.9 - - [05/Jan/2024:09:08:07 +0000] "GET / HTTP/1.1" 200 615',
    )
    expect(accessLine(of('gcr.io/google-samples/hello-app:1.0').accessLog, served)).toBe(
      '2024/01/05 09:08:07 Serving request: /',
    )
    expect(accessLine(of('traefik/whoami').accessLog, served)).toBeUndefined()
  })
})

describe('what they take', () => {
  const stress = (args: string[]) => of('polinux/stress', { command: ['stress'], args })

  test('stress holds the memory it is told to (kubernetes.io: Assign Memory Resources)', () => {
    const { usage, onTerm } = stress(['--vm', '1', '--vm-bytes', '250M', '--vm-hang', '1'])
    expect(usageAt(usage, 10_000).memory).toBe(1_000_000 + 250 * 1024 * 1024)
    expect(memoryPasses(usage, 100 * 1024 * 1024)).toBeGreaterThan(0)
    expect(memoryPasses(usage, 100 * 1024 * 1024)).toBeLessThan(500)
    expect(memoryPasses(usage, 300 * 1024 * 1024)).toBeUndefined()
    expect(onTerm).toBe(143)
  })

  test('and its processors, and ends when its time is over', () => {
    expect(usageAt(stress(['-c', '2']).usage, 1000).cpu).toBe(2000)
    expect(stress(['-c', '2', '-t', '1m']).script.exit).toEqual({ at: 60_000, code: 0 })
    expect(usageAt(of('vish/stress', { args: ['-cpus', '2'] }).usage, 1000).cpu).toBe(2000)
  })

  test('between two points it is on the line between them', () => {
    const points = [
      { at: 1000, memory: 100, cpu: 0 },
      { at: 3000, memory: 300, cpu: 500 },
    ]
    expect([0, 1000, 2000, 3000, 9000].map(at => usageAt(points, at).memory)).toEqual([100, 100, 200, 300, 300])
    expect(memoryPasses(points, 200)).toBe(2001)
    expect(memoryPasses(points, 99)).toBe(1000)
    expect(memoryPasses(points, 300)).toBeUndefined()
  })
})

test('what serves ends cleanly when it is told to stop', () => {
  for (const image of catalog.values()) if (image.ports) expect([image.name, image.onTerm]).toEqual([image.name, 0])
})

const folder = fileURLToPath(new URL('../../../../shared/manifests/docs', import.meta.url))

/** Those that only stand for the reader's own. */
const placeholders =
  /example-image|my-registry|<|job-wq|flask-app|mesh|non-existing|^-f$|^`|xtrabackup|^$|sha256:cb111|dns-node-cache|konnectivity|kas-network|proxy-server|nginx-ingress/

test.runIf(existsSync(folder))("every image of the documentation's manifests is known", () => {
  const names = new Set<string>()
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => /\.ya?ml$/.test(name))) {
    const text = readFileSync(`${folder}/${file}`, 'utf8')
    for (const [, name] of text.matchAll(/^\s*(?:-\s+)?image:\s*["']?([^\s"'#]+)/gm)) names.add(name!)
  }
  expect(names.size).toBeGreaterThan(40)
  const unknown = [...names].filter(name => {
    const parsed = parseImageName(name)
    return !placeholders.test(name) && parsed !== undefined && catalogImage(parsed) === undefined
  })
  expect(unknown).toEqual([])
})
