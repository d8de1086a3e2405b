// The real kubectl, command by command, as a user would type them: what it prints is what a real cluster makes it print.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noKubectl } from '../support/kubectl.ts'
import { type Server, startServer } from '../support/server.ts'

describe.skipIf(noKubectl)(`kubectl${noKubectl ? ` (skipped: ${noKubectl})` : ''}`, () => {
  let server: Server
  let kubectl: Server['kubectl']
  const file = (name: string, text: string) => {
    writeFileSync(join(server.home, name), text)
    return join(server.home, name)
  }
  const jsonpath = (what: string[], path: string) => kubectl('get', ...what, '-o', `jsonpath=${path}`)

  beforeAll(async () => {
    server = await startServer({ words: ['--delays', '0.1'] })
    kubectl = server.kubectl
  })
  afterAll(async () => server?.[Symbol.asyncDispose]())

  describe('what is there', () => {
    test('version, api-versions, api-resources', async () => {
      expect(await kubectl('version')).toMatch(/Server Version: v1\.36\.\d+/)
      expect((await kubectl('api-versions')).split('\n')).toEqual(
        expect.arrayContaining(['apps/v1', 'v1', 'networking.k8s.io/v1']),
      )
      const resources = await kubectl('api-resources')
      expect(resources).toMatch(/^deployments\s+deploy\s+apps\/v1\s+true\s+Deployment$/m)
      expect(resources).toMatch(/^pods\s+po\s+v1\s+true\s+Pod$/m)
      expect(await kubectl('api-resources', '--categories=all', '-o', 'name')).toContain('replicasets.apps')
    })

    test('get namespaces, and the kubernetes service', async () => {
      const names = (await kubectl('get', 'namespaces', '-o', 'name')).trim().split('\n')
      expect(names).toEqual([
        'namespace/default',
        'namespace/kube-node-lease',
        'namespace/kube-public',
        'namespace/kube-system',
      ])
      expect(await kubectl('get', 'svc')).toMatch(/^kubernetes\s+ClusterIP\s+10\.96\.0\.1\s+<none>\s+443\/TCP\s+\d+s$/m)
    })

    test('explain', async () => {
      const text = await kubectl('explain', 'deployment.spec.strategy.rollingUpdate')
      expect(text).toContain('GROUP:      apps')
      expect(text).toContain('maxSurge')
      expect(await kubectl('explain', 'pod.spec.containers.livenessProbe')).toContain('initialDelaySeconds')
    })

    test('get --raw', async () => {
      expect(await kubectl('get', '--raw', '/healthz')).toBe('ok')
      expect(JSON.parse(await kubectl('get', '--raw', '/api/v1/namespaces/default'))).toMatchObject({
        kind: 'Namespace',
      })
      expect(await kubectl('get', '--raw', '/readyz?verbose')).toContain('readyz check passed')
    })

    test('config view', async () => {
      expect(await kubectl('config', 'view')).toContain(server.url)
      expect(await kubectl('config', 'current-context')).toBe('kubesim\n')
    })
  })

  describe('a deployment', () => {
    test('create, scale, set image, rollout status, history and undo', async () => {
      expect(await kubectl('create', 'deployment', 'web', '--image=nginx:1.25', '--replicas=3')).toBe(
        'deployment.apps/web created\n',
      )
      expect(await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')).toContain(
        'deployment "web" successfully rolled out',
      )
      expect(await kubectl('scale', 'deployment/web', '--replicas=4')).toBe('deployment.apps/web scaled\n')
      await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
      expect(await kubectl('get', 'deploy', 'web')).toMatch(/^web\s+4\/4\s+4\s+4\s+\d+s$/m)

      expect(await kubectl('set', 'image', 'deployment/web', 'nginx=nginx:1.26')).toBe(
        'deployment.apps/web image updated\n',
      )
      await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
      expect(await kubectl('rollout', 'history', 'deployment/web')).toMatch(/1\s+<none>\n2\s+<none>/)
      expect(await kubectl('rollout', 'undo', 'deployment/web')).toBe('deployment.apps/web rolled back\n')
      await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
      expect(await jsonpath(['deploy', 'web'], '{.spec.template.spec.containers[0].image}')).toBe('nginx:1.25')
      expect(await kubectl('rollout', 'history', 'deployment/web')).toMatch(/2\s+<none>\n3\s+<none>/)
    })

    test('pause, resume and restart', async () => {
      expect(await kubectl('rollout', 'pause', 'deployment/web')).toBe('deployment.apps/web paused\n')
      await kubectl('set', 'image', 'deployment/web', 'nginx=nginx:1.27')
      expect(
        await kubectl(
          'get',
          'rs',
          '-l',
          'app=web',
          '-o',
          'jsonpath={.items[*].spec.template.spec.containers[0].image}',
        ),
      ).not.toContain('nginx:1.27')
      expect(await kubectl('rollout', 'resume', 'deployment/web')).toBe('deployment.apps/web resumed\n')
      await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
      expect(await kubectl('rollout', 'restart', 'deployment/web')).toBe('deployment.apps/web restarted\n')
      await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
      expect(await jsonpath(['deploy', 'web'], '{.spec.template.spec.containers[0].image}')).toBe('nginx:1.27')
    })

    test('get in every form', async () => {
      expect(await kubectl('get', 'pods', '-l', 'app=web', '-o', 'wide')).toMatch(
        /1\/1\s+Running\s+0\s+\S+\s+10\.244\.\d+\.\d+\s+node-\d\s+<none>\s+<none>/,
      )
      expect(await kubectl('get', 'rs', '-l', 'app=web')).toMatch(/web-[a-z0-9]+\s+4\s+4\s+4/)
      expect(await kubectl('get', 'deploy', 'web', '-o', 'yaml')).toContain('kind: Deployment')
      expect(JSON.parse(await kubectl('get', 'deploy', 'web', '-o', 'json'))).toMatchObject({ spec: { replicas: 4 } })
      expect(await kubectl('get', 'deploy', '-o', 'name')).toContain('deployment.apps/web')
      expect(await kubectl('get', 'deploy', 'web', '-o', 'custom-columns=N:.metadata.name,R:.spec.replicas')).toMatch(
        /web\s+4/,
      )
      const all = await kubectl('get', 'all')
      for (const kind of ['pod/web-', 'service/kubernetes', 'deployment.apps/web', 'replicaset.apps/web-'])
        expect(all).toContain(kind)
      expect(await kubectl('get', 'events')).toMatch(
        /Normal\s+ScalingReplicaSet\s+deployment\/web\s+Scaled up replica set web-\S+ from 0 to 3/,
      )
      expect(await kubectl('get', 'pods', '-A', '--field-selector=status.phase=Running', '-o', 'name')).toContain(
        'pod/web-',
      )
      expect(await kubectl('get', 'pods', '-l', 'app=web', '--sort-by=.metadata.name', '--no-headers')).toMatch(/^web-/)
    })

    test('describe of every kind', async () => {
      const described = await kubectl('describe', 'deployment', 'web')
      expect(described).toMatch(/Replicas:\s+4 desired \| 4 updated \| 4 total \| 4 available \| 0 unavailable/)
      expect(described).toContain('ScalingReplicaSet')
      const pod = await kubectl('describe', 'pods', '-l', 'app=web')
      for (const words of [
        'Successfully assigned default/web-',
        'Container started',
        'QoS Class:                   BestEffort',
      ]) {
        expect(pod).toContain(words)
      }
      for (const kind of [
        'node/node-1',
        'svc/kubernetes',
        'ns/default',
        'rs',
        'sa/default',
        'endpoints/kubernetes',
        'endpointslices',
      ]) {
        expect((await kubectl('describe', ...kind.split(' '))).length).toBeGreaterThan(50)
      }
    })

    test('watch shows what happens', async () => {
      const watching = kubectl.run(['get', 'pods', '-l', 'app=watched', '-w', '--output-watch-events'], {
        timeout: 4000,
      })
      await kubectl('run', 'watched', '--image=nginx', '--labels=app=watched')
      await kubectl('wait', '--for=condition=Ready', 'pod/watched', '--timeout=30s')
      await kubectl('delete', 'pod', 'watched', '--wait=false')
      const { stdout } = await watching
      expect(stdout).toMatch(/ADDED\s+watched\s+0\/1\s+(Pending|ContainerCreating)/)
      expect(stdout).toMatch(/MODIFIED\s+watched\s+1\/1\s+Running/)
      expect(stdout).toMatch(/DELETED\s+watched/)
    })

    test('expose it, and delete by name', async () => {
      expect(await kubectl('expose', 'deployment', 'web', '--port=80', '--type=NodePort')).toBe('service/web exposed\n')
      expect(await kubectl('get', 'svc', 'web')).toMatch(/^web\s+NodePort\s+10\.\S+\s+<none>\s+80:3\d{4}\/TCP/m)
      await expect
        .poll(async () => kubectl('get', 'endpoints', 'web'))
        .toMatch(/web\s+10\.244\.\S+:80,10\.244\.\S+:80,10\.244\.\S+:80 \+ 1 more/)
      expect(await kubectl('delete', 'service', 'web')).toBe('service "web" deleted from default namespace\n')
      expect(await kubectl('delete', 'deployment', 'web')).toBe(
        'deployment.apps "web" deleted from default namespace\n',
      )
      await kubectl('wait', '--for=delete', 'pod', '-l', 'app=web', '--timeout=60s')
    })
  })

  describe('changing things', () => {
    const manifest = (replicas: number, extra = '') => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: changing
  labels: {team: blue}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: changing}}
  template:
    metadata: {labels: {app: changing}}
    spec:
      containers:
      - {name: web, image: nginx}
${extra}`

    test('apply twice, diff, replace', async () => {
      const first = file('changing.yaml', manifest(1))
      expect(await kubectl('apply', '-f', first)).toBe('deployment.apps/changing created\n')
      expect(await kubectl('apply', '-f', first)).toBe('deployment.apps/changing unchanged\n')
      const second = file('changing-2.yaml', manifest(2))
      const diff = await kubectl.run(['diff', '-f', second])
      expect(diff.code).toBe(1)
      expect(diff.stdout).toMatch(/-\s+replicas: 1\n\+\s+replicas: 2/)
      expect(await kubectl('apply', '-f', second)).toBe('deployment.apps/changing configured\n')
      expect(await kubectl('replace', '-f', first)).toBe('deployment.apps/changing replaced\n')
      expect(await kubectl('apply', '-f', second, '--dry-run=server')).toBe(
        'deployment.apps/changing configured (server dry run)\n',
      )
      expect(await jsonpath(['deploy', 'changing'], '{.spec.replicas}')).toBe('1')
    })

    test('patch in all three types', async () => {
      expect(await kubectl('patch', 'deploy', 'changing', '-p', '{"spec":{"replicas":2}}')).toBe(
        'deployment.apps/changing patched\n',
      )
      await kubectl('patch', 'deploy', 'changing', '--type=merge', '-p', '{"metadata":{"annotations":{"a":"b"}}}')
      await kubectl(
        'patch',
        'deploy',
        'changing',
        '--type=json',
        '-p',
        '[{"op":"replace","path":"/spec/replicas","value":3}]',
      )
      await kubectl(
        'patch',
        'deploy',
        'changing',
        '-p',
        '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"redis"}]}}}}',
      )
      expect(
        await jsonpath(
          ['deploy', 'changing'],
          '{.spec.replicas} {.metadata.annotations.a} {.spec.template.spec.containers[*].name}',
        ),
      ).toBe('3 b side web')
      const refused = await kubectl.run([
        'patch',
        'deploy',
        'changing',
        '--type=json',
        '-p',
        '[{"op":"test","path":"/spec/replicas","value":9}]',
      ])
      expect(refused.code).toBe(1)
    })

    test('label, annotate, edit', async () => {
      expect(await kubectl('label', 'deploy', 'changing', 'tier=web')).toBe('deployment.apps/changing labeled\n')
      expect((await kubectl.run(['label', 'deploy', 'changing', 'tier=db'])).stderr).toContain(
        'already has a value (web), and --overwrite is false',
      )
      expect(await kubectl('label', 'deploy', 'changing', 'tier-')).toBe('deployment.apps/changing unlabeled\n')
      expect(await kubectl('annotate', 'deploy', 'changing', 'note=hello')).toBe('deployment.apps/changing annotated\n')
      const edited = await kubectl.run(['edit', 'deploy', 'changing'], {
        env: { KUBE_EDITOR: 'sed -i /note:/s/hello/goodbye/' },
      })
      expect(edited).toMatchObject({ code: 0, stdout: 'deployment.apps/changing edited\n' })
      expect(await jsonpath(['deploy', 'changing'], '{.metadata.annotations.note}')).toBe('goodbye')
    })

    test('apply --prune takes away what is not in the set any more', async () => {
      const map = (name: string) =>
        `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n  labels: {set: one}\n---\n`
      await kubectl('apply', '-f', file('set.yaml', map('a') + map('b')))
      const pruned = await kubectl(
        'apply',
        '--prune',
        '-l',
        'set=one',
        '--prune-allowlist=core/v1/ConfigMap',
        '-f',
        file('set.yaml', map('a')),
      )
      expect(pruned).toContain('configmap/b pruned')
      expect((await kubectl('get', 'cm', '-l', 'set=one', '-o', 'name')).trim()).toBe('configmap/a')
    })

    test('apply --prune asks for every kind it knows when none is named', async () => {
      const map = (name: string) =>
        `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n  labels: {set: two}\n---\n`
      await kubectl('apply', '-f', file('set.yaml', map('c') + map('d')))
      const pruned = await kubectl('apply', '--prune', '-l', 'set=two', '-f', file('set.yaml', map('c')))
      expect(pruned).toContain('configmap/d pruned')
      expect((await kubectl('get', 'cm', '-l', 'set=two', '-o', 'name')).trim()).toBe('configmap/c')
    })

    test('delete with every cascade', async () => {
      await kubectl('rollout', 'status', 'deploy/changing', '--timeout=60s')
      expect(await kubectl('delete', 'deploy', 'changing', '--cascade=orphan')).toContain('deleted')
      const rs = (await kubectl('get', 'rs', '-l', 'app=changing', '-o', 'name')).trim()
      expect(rs.split('\n').length).toBeGreaterThanOrEqual(1)
      await kubectl('apply', '-f', file('changing.yaml', manifest(1)))
      await kubectl('rollout', 'status', 'deploy/changing', '--timeout=60s')
      await kubectl('delete', 'deploy', 'changing', '--cascade=foreground', '--timeout=60s')
      expect(await kubectl('get', 'pods,rs', '-l', 'app=changing')).toBe('')
    })

    test('bad input is told plainly, and nothing is lost', async () => {
      const unknown = await kubectl.run([
        'apply',
        '-f',
        file('bad.yaml', manifest(1).replace('replicas: 1', 'replica: 1')),
      ])
      expect(unknown.stderr).toContain('strict decoding error: unknown field "spec.replica"')
      const wrong = await kubectl.run([
        'apply',
        '-f',
        file('bad.yaml', manifest(1).replace('replicas: 1', 'replicas: many')),
        '--validate=false',
      ])
      expect(wrong.stderr).toContain(
        'cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
      )
      const selector = await kubectl.run([
        'apply',
        '-f',
        file('bad.yaml', manifest(1).replace('{app: changing}}\n    spec', '{app: other}}\n    spec')),
      ])
      expect(selector.stderr).toContain('`selector` does not match template `labels`')
      const name = await kubectl.run(['create', 'deployment', 'Bad_Name', '--image=nginx'])
      expect(name.stderr).toContain('a lowercase RFC 1123 subdomain must consist of')
      expect((await kubectl.run(['get', 'pods', '-l', 'a in b'])).stderr).toContain('unable to parse requirement')
      expect((await kubectl.run(['get', 'pods', '--field-selector=spec.nope=1'])).stderr).toContain(
        'field label not supported: spec.nope',
      )
      expect((await kubectl.run(['get', 'deployment', 'nothing'])).stderr).toBe(
        'Error from server (NotFound): deployments.apps "nothing" not found\n',
      )
      expect((await kubectl.run(['get', 'nothings'])).stderr).toContain(
        `the server doesn't have a resource type "nothings"`,
      )
    })
  })

  describe('pods', () => {
    test('run, wait, logs, delete with force', async () => {
      expect(await kubectl('run', 'one', '--image=nginx', '--port=80')).toBe('pod/one created\n')
      expect(await kubectl('wait', '--for=condition=Ready', 'pod/one', '--timeout=30s')).toBe('pod/one condition met\n')
      expect((await kubectl('logs', 'one')).length).toBeGreaterThan(0)
      expect(await kubectl('get', '--raw', '/api/v1/namespaces/default/pods/one/proxy/')).toContain('Welcome to nginx!')
      expect(await kubectl('delete', 'pod', 'one', '--grace-period=0', '--force')).toContain('pod "one" force deleted')
      expect((await kubectl.run(['get', 'pod', 'one'])).stderr).toContain('pods "one" not found')
    })

    test('a pod that fails is started again, with back-off', async () => {
      await kubectl('run', 'crash', '--image=busybox', '--', 'sh', '-c', 'exit 3')
      await kubectl(
        'wait',
        '--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=CrashLoopBackOff',
        'pod/crash',
        '--timeout=60s',
      )
      expect(await kubectl('get', 'pod', 'crash')).toMatch(/0\/1\s+CrashLoopBackOff\s+\d+/)
      expect(await jsonpath(['pod', 'crash'], '{.status.containerStatuses[0].lastState.terminated.exitCode}')).toBe('3')
      expect(await kubectl('describe', 'pod', 'crash')).toContain(
        'Back-off restarting failed container crash in pod crash_default',
      )
      await kubectl('delete', 'pod', 'crash', '--now')
    })

    test('delete by label and --all', async () => {
      await kubectl('create', 'namespace', 'many')
      for (const name of ['a', 'b', 'c'])
        await kubectl('run', name, '--image=nginx', '-n', 'many', `--labels=name=${name}`)
      expect(await kubectl('delete', 'pods', '-n', 'many', '-l', 'name=a')).toBe(
        'pod "a" deleted from many namespace\n',
      )
      expect(await kubectl('delete', 'pods', '-n', 'many', '--all')).toContain('pod "c" deleted')
      expect(await kubectl('delete', 'namespace', 'many')).toBe('namespace "many" deleted\n')
      expect((await kubectl.run(['get', 'ns', 'many'])).stderr).toContain('namespaces "many" not found')
    })
  })

  describe('nodes', () => {
    test('cordon, drain, uncordon', async () => {
      await kubectl('create', 'deployment', 'drained', '--image=nginx', '--replicas=6')
      await kubectl('rollout', 'status', 'deploy/drained', '--timeout=60s')
      expect(await kubectl('cordon', 'node-1')).toBe('node/node-1 cordoned\n')
      expect(await kubectl('get', 'node', 'node-1')).toMatch(/Ready,SchedulingDisabled/)
      const drained = await kubectl('drain', 'node-1', '--ignore-daemonsets', '--timeout=60s')
      expect(drained).toContain('node/node-1 drained')
      await kubectl('rollout', 'status', 'deploy/drained', '--timeout=60s')
      expect(await jsonpath(['pods', '-l', 'app=drained'], '{.items[*].spec.nodeName}')).not.toContain('node-1')
      expect(await kubectl('uncordon', 'node-1')).toBe('node/node-1 uncordoned\n')
      await kubectl('delete', 'deploy', 'drained')
    })

    test('taint, and a pod that fits nowhere says why', async () => {
      expect(await kubectl('taint', 'nodes', '--all', 'only=some:NoSchedule')).toContain('node/node-2 tainted')
      await kubectl('run', 'nowhere', '--image=nginx')
      await kubectl(
        'wait',
        '--for=jsonpath={.status.conditions[?(@.type=="PodScheduled")].reason}=Unschedulable',
        'pod/nowhere',
        '--timeout=30s',
      )
      expect(await kubectl('describe', 'pod', 'nowhere')).toContain(
        '0/3 nodes are available: 3 node(s) had untolerated taint',
      )
      expect(await kubectl('taint', 'nodes', '--all', 'only-')).toContain('node/node-2 untainted')
      await kubectl('wait', '--for=condition=Ready', 'pod/nowhere', '--timeout=60s')
      await kubectl('delete', 'pod', 'nowhere')
    })
  })
})
