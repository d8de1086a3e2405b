// The real kubectl and roles: `create role`, `--as`, `auth can-i`, `auth reconcile`, as the page "Using RBAC Authorization" does.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noKubectl } from '../support/kubectl.ts'
import { type Server, startServer } from '../support/server.ts'

describe.skipIf(noKubectl)(`kubectl and roles${noKubectl ? ` (skipped: ${noKubectl})` : ''}`, () => {
  let server: Server
  let kubectl: Server['kubectl']

  beforeAll(async () => {
    server = await startServer({ words: ['--memory'] })
    kubectl = server.kubectl
  })
  afterAll(async () => server?.[Symbol.asyncDispose]())

  const refused = async (...words: string[]): Promise<string> => {
    const { code, stderr } = await kubectl.run(words)
    expect(code).toBe(1)
    return stderr
  }

  test('a role and a binding let somebody read pods, and nothing else', async () => {
    await kubectl('create', 'role', 'pod-reader', '--verb=get,list,watch', '--resource=pods')
    await kubectl(
      'create',
      'rolebinding',
      'read-pods',
      '--role=pod-reader',
      '--user=jane',
      '--serviceaccount=default:bot',
    )
    expect(await kubectl('get', 'rolebinding', 'read-pods', '-o', 'wide', '--no-headers')).toMatch(
      /^read-pods +Role\/pod-reader +\d+s +jane +default\/bot\n$/,
    )
    expect(await kubectl('describe', 'role', 'pod-reader')).toMatch(/\n {2}pods +\[\] +\[\] +\[get list watch\]\n/)
    await kubectl('get', 'pods', '--as=jane')
    await kubectl('get', 'pods', '--as=system:serviceaccount:default:bot')
    expect(await refused('get', 'pods', '-n', 'kube-system', '--as=jane')).toBe(
      'Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "kube-system"\n',
    )
    expect(await refused('create', 'deployment', 'web', '--image=nginx', '--as=jane')).toBe(
      'error: failed to create deployment: deployments.apps is forbidden: User "jane" cannot create resource "deployments" in API group "apps" in the namespace "default"\n',
    )
  })

  test('can-i tells the same, and lists', async () => {
    expect(await kubectl('auth', 'can-i', 'get', 'pods', '--as=jane')).toBe('yes\n')
    expect((await kubectl.run(['auth', 'can-i', 'delete', 'pods', '--as=jane'])).stdout).toBe('no\n')
    const list = await kubectl('auth', 'can-i', '--list', '--as=jane')
    expect(list).toMatch(/^pods +\[\] +\[\] +\[get list watch\]$/m)
    expect(list).toMatch(/^selfsubjectaccessreviews.authorization.k8s.io +\[\] +\[\] +\[create\]$/m)
    expect(list).toMatch(/^ +\[\/api\/\*\] +\[\] +\[get\]$/m)
  })

  test('view, edit and admin have the rules that they gather', async () => {
    expect((await kubectl.run(['auth', 'can-i', 'list', 'deployments', '--as=vera'])).stdout).toBe('no\n')
    await kubectl('create', 'clusterrolebinding', 'vera', '--clusterrole=view', '--user=vera')
    expect(await kubectl('auth', 'can-i', 'list', 'deployments', '--as=vera')).toBe('yes\n')
    expect((await kubectl.run(['auth', 'can-i', 'list', 'secrets', '--as=vera'])).stdout).toBe('no\n')
    await kubectl('create', 'rolebinding', 'edda', '--clusterrole=edit', '--user=edda')
    await kubectl('create', 'deployment', 'web', '--image=nginx', '--as=edda')
    expect(await refused('create', 'rolebinding', 'x', '--clusterrole=view', '--user=joe', '--as=edda')).toContain(
      'User "edda" cannot create resource "rolebindings"',
    )
    await kubectl('create', 'rolebinding', 'ada', '--clusterrole=admin', '--user=ada')
    await kubectl('create', 'rolebinding', 'joe', '--clusterrole=view', '--user=joe', '--as=ada')
    expect(
      await refused('create', 'rolebinding', 'up', '--clusterrole=cluster-admin', '--user=ada', '--as=ada'),
    ).toContain(
      'user "ada" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:["*"], Resources:["*"], Verbs:["*"]}',
    )
  })

  test('a token of a service account is who it says, may what it may, and is checked by a review', async () => {
    await kubectl('create', 'serviceaccount', 'worker')
    const token = (await kubectl('create', 'token', 'worker', '--duration=10m')).trim()
    const address = await kubectl('config', 'view', '-o', 'jsonpath={.clusters[0].cluster.server}')
    const asWorker = ['--kubeconfig=/dev/null', `--server=${address}`, '--insecure-skip-tls-verify', `--token=${token}`]
    expect(await kubectl('auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}', ...asWorker)).toBe(
      'system:serviceaccount:default:worker',
    )
    expect(await refused('get', 'secrets', ...asWorker)).toContain(
      'User "system:serviceaccount:default:worker" cannot list',
    )
    await kubectl('delete', 'serviceaccount', 'worker')
    expect(await refused('get', 'pods', ...asWorker)).toBe(
      'error: You must be logged in to the server (Unauthorized)\n',
    )
    expect(await refused('create', 'token', 'worker')).toBe(
      'error: failed to create token: serviceaccounts "worker" not found\n',
    )
  })

  test('reconcile brings a role to what a file says', async () => {
    const role = (verb: string) => `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: pod-viewer }
rules: [{ apiGroups: [''], resources: [pods], verbs: [${verb}] }]
`
    const reconcile = (verb: string, ...words: string[]) =>
      kubectl.run(['auth', 'reconcile', '-f', '-', ...words], { stdin: role(verb) })
    expect((await reconcile('get')).stdout).toBe('clusterrole.rbac.authorization.k8s.io/pod-viewer reconciled\n')
    expect((await reconcile('list')).code).toBe(0)
    const verbs = () => kubectl('get', 'clusterrole', 'pod-viewer', '-o', 'jsonpath={.rules[*].verbs}')
    expect(await verbs()).toBe('["get"] ["list"]')
    await reconcile('watch', '--remove-extra-permissions')
    expect(await verbs()).toBe('["watch"]')
  })
})
