import { describe, expect, test } from 'vitest'
import { ImageBook } from '../../kubelet-sim/image-book.ts'
import { behaviourOf, canonicalName, imageFromConfigMap, pullOf } from '../../kubelet-sim/images.ts'
import { digestName } from '../../kubelet-sim/node-images.ts'
import { faultOf } from '../../kubelet-sim/stages/naming.ts'

const book = new ImageBook()
const of = (container: object, overrides = {}) => {
  const whole = { name: 'c', image: 'nginx', ...container }
  return behaviourOf(whole, book.find(whole.image), overrides, 'pod-1')
}

describe('names (distribution/reference)', () => {
  test.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['my/app:v1', 'docker.io/my/app:v1'],
    ['localhost:5000/app', 'localhost:5000/app:latest'],
    ['registry.k8s.io/pause:3.10', 'registry.k8s.io/pause:3.10'],
  ])('%s is %s', (short, whole) => {
    expect(canonicalName(short)).toBe(whole)
  })

  // Messages as kubelets of 1.27 and later give them.
  test.each([
    ['<your_dockerhub_image>', 'invalid reference format'],
    ['ACTOKEY', 'invalid reference format: repository name (library/ACTOKEY) must be lowercase'],
    ['hfhugs/unsloth-GGUF:Q4', 'invalid reference format: repository name (hfhugs/unsloth-GGUF) must be lowercase'],
    [':sha-0b293ab', 'invalid reference format'],
    ['', 'invalid reference format: repository name must have at least one component'],
  ])('%s cannot be parsed', (image, why) => {
    expect(faultOf(image)).toBe(
      `Failed to apply default image tag "${image}": couldn't parse image name "${image}": ${why}`,
    )
  })

  test('a digest is the same every time', () => {
    expect(digestName('docker.io/library/nginx:1.27')).toMatch(/^docker\.io\/library\/nginx@sha256:[0-9a-f]{64}$/)
    expect(digestName('docker.io/library/nginx:1.27')).not.toBe(digestName('docker.io/library/nginx:1.28'))
  })
})

describe('what a container does', () => {
  test('nginx serves its page on 80, whatever its container declares', () => {
    const nginx = of({ ports: [{ containerPort: 8080 }] })
    expect(nginx.ports).toEqual([80])
    expect(nginx.onTerm).toBe(0)
    expect(nginx.routes?.['/']).toContain('Welcome to nginx!')
  })

  test('an unknown image serves on the ports it declares, until it is stopped', () => {
    const app = of({
      image: 'my-registry/my-app:v1',
      ports: [{ containerPort: 8080 }, { containerPort: 53, protocol: 'UDP' }],
    })
    expect(app).toMatchObject({ ports: [8080], onTerm: 143, body: 'Hello from my-registry/my-app:v1' })
    expect(app.script.exit).toBeUndefined()
  })

  test('busybox without a command has nothing to do; with one it does that', () => {
    expect(of({ image: 'busybox' }).script.exit).toEqual({ at: 0, code: 0 })
    const sleeper = of({ image: 'busybox', command: ['sleep', '10'] })
    expect(sleeper).toMatchObject({ onTerm: undefined, ports: [], script: { exit: { at: 10_000, code: 0 } } })
  })

  test('args replace the CMD only, a command replaces both (docker and Kubernetes)', () => {
    expect(of({ image: 'busybox', args: ['sleep', '3'] }).script.exit?.at).toBe(3000)
    expect(of({ image: 'mongo', args: ['--bind_ip_all'] })).toMatchObject({ ports: [27017], tcp: true })
  })

  test.each([
    [{ image: 'x', command: ['uvicorn', 'app:app', '--port', '8080'] }, [8080]],
    [{ image: 'x', args: ['--http-port=9090'] }, [9090]],
    [{ image: 'my-app', command: ['python', '-m', 'http.server', '8000'] }, [8000]],
    [{ image: 'x', command: ['gunicorn', '-b', '0.0.0.0:8001', 'app'] }, [8001]],
    [{ image: 'hashicorp/http-echo', args: ['-listen=:8080', '-text=hi there'] }, [8080]],
  ])('%j listens on %j', (container, ports) => {
    expect(of(container).ports).toEqual(ports)
  })

  test('http-echo says its text, $(NAME) is replaced', () => {
    const echo = of({
      image: 'hashicorp/http-echo',
      env: [{ name: 'WHO', value: 'me' }],
      args: ['-text=from $(WHO) $(NOBODY)'],
    })
    expect(echo.body).toBe('from me $(NOBODY)')
  })

  test('an image named as a member of every object is an unknown image all the same', () => {
    expect(of({ image: 'constructor', args: ['$(constructor)'] })).toMatchObject({
      body: 'Hello from constructor',
      onTerm: 143,
    })
  })

  test('annotations of the pod win', () => {
    const crashing = of(
      {},
      { 'kubesim.dev/exit-code': '2', 'kubesim.dev/exit-after': '5s', 'kubesim.dev/port': '81, 82' },
    )
    expect(crashing).toMatchObject({ ports: [81, 82], script: { exit: { at: 5000, code: 2 } } })
  })
})

describe('pulling', () => {
  test.each([
    ['nginx:1.27', false],
    ['nginx:1.161', true],
    ['ubuntu:20240101', false],
    ['my-registry/app:1.161', false],
    ['my-registry/does-not-exist', true],
    ['nginx:nonexistent', true],
    ['mysql:8.0.36', false],
  ])('%s: fails %s', (image, fails) => {
    expect(pullOf(image, book.find(image), false, {}).fails !== undefined).toBe(fails)
  })

  test('an image may say that it cannot be pulled', () => {
    expect(pullOf('app', undefined, false, { 'kubesim.dev/pull-fails': 'true' }).fails).toBe(
      'failed to pull and unpack image "docker.io/library/app:latest": failed to resolve reference "docker.io/library/app:latest": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
    )
  })
})

test('what an earlier version has built into a ConfigMap is read still', () => {
  const image = { name: 'my-registry/My_App:v1', ports: [5000], command: ['python', 'app.py'], routes: { '/': 'hi' } }
  const map = { metadata: { name: 'image-my-app' }, data: { 'image.json': JSON.stringify(image) } }
  expect(imageFromConfigMap(map as never)).toEqual(image)
  expect(() => imageFromConfigMap({ ...map, data: {} } as never)).toThrow(/does not hold an image/)
})
