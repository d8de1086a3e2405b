// Storage and certificates with the real kubectl, as the documentation's tutorials go: MySQL and WordPress with their claims, a
// pod with a volume of the node's, a claim that grows, a user with a certificate of his own.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toPem } from '../../apiserver/http/der.ts'
import { base64, curveKey, requestBytes } from '../support/certificate-requests.ts'
import { noKubectl } from '../support/kubectl.ts'
import { type Server, startServer } from '../support/server.ts'

const folder = fileURLToPath(new URL('../../../shared/manifests/docs/', import.meta.url))
const cannot = noKubectl ?? (existsSync(folder) ? undefined : 'the manifests of the documentation are not beside this')

describe.skipIf(cannot)(`volumes and certificates${cannot ? ` (skipped: ${cannot})` : ''}`, () => {
  let server: Server
  const kubectl = (...args: string[]) => server.kubectl(...args)
  const apply = (text: string) => server.kubectl.run(['apply', '-f', '-'], { stdin: text })
  beforeAll(async () => {
    server = await startServer({ words: ['--memory', '--delays', '0.2'] })
  })
  afterAll(async () => server?.[Symbol.asyncDispose]())
  const wait = (what: string, ...rest: string[]) => kubectl('wait', `--for=${what}`, ...rest, '--timeout=60s')

  test('WordPress and MySQL come to run, each with a volume of the default class', async () => {
    await kubectl('create', 'secret', 'generic', 'mysql-pass', '--from-literal=password=secret')
    await kubectl('apply', '-f', join(folder, 'application/wordpress'))
    for (const name of ['wordpress', 'wordpress-mysql']) {
      await kubectl('rollout', 'status', `deployment/${name}`, '--timeout=60s')
    }
    const claims = await kubectl('get', 'pvc', '--no-headers')
    expect(claims).toMatch(/^mysql-pv-claim\s+Bound\s+pvc-[-0-9a-f]{36}\s+20Gi\s+RWO\s+standard\s/m)
    expect(claims).toMatch(/^wp-pv-claim\s+Bound\s+pvc-[-0-9a-f]{36}\s+20Gi\s+RWO\s+standard\s/m)
    const text = await kubectl('describe', 'pvc', 'wp-pv-claim')
    expect(text).toMatch(/^Used By: +wordpress-/m)
    expect(text).toMatch(/Normal +ProvisioningSucceeded .* Successfully provisioned volume pvc-/)
    // In use: it stays until its pod is gone.
    await kubectl('delete', 'pvc', 'wp-pv-claim', '--wait=false')
    expect(await kubectl('get', 'pvc', 'wp-pv-claim', '--no-headers')).toMatch(/^wp-pv-claim\s+Terminating/)
    await kubectl('delete', 'deployment', 'wordpress')
    await wait('delete', 'pvc/wp-pv-claim')
    await kubectl('delete', '-f', join(folder, 'application/wordpress'), '--ignore-not-found')
    await wait('delete', 'pv', '--all')
  })

  test('a pod waits for its secret and says which', async () => {
    await kubectl('apply', '-f', join(folder, 'application/mysql/mysql-pv.yaml'))
    await wait('jsonpath={.status.phase}=Bound', 'pvc/mysql-pv-claim')
    expect(await kubectl('get', 'pv', '--no-headers')).toMatch(
      /^mysql-pv-volume\s+20Gi\s+RWO\s+Retain\s+Bound\s+default\/mysql-pv-claim\s+manual\s/m,
    )
    await kubectl('delete', '-f', join(folder, 'application/mysql/mysql-pv.yaml'))
    const pod = readFileSync(join(folder, 'pods/pod-configmap-volume.yaml'), 'utf8')
    expect((await apply(pod)).code).toBe(0)
    const name = /^ {2}name: (\S+)/m.exec(pod)![1]!
    await wait('jsonpath={.status.containerStatuses[0].state.waiting.reason}=ContainerCreating', `pod/${name}`)
    const config = /configMap:\s+(?:#[^\n]*\n\s+)*name: (\S+)/.exec(pod)![1]!
    const text = await kubectl('describe', 'pod', name)
    expect(text).toMatch(/^IPs?: +<none>$/m)
    expect(text).toContain(`MountVolume.SetUp failed for volume "config-volume" : configmap "${config}" not found`)
    await kubectl('create', 'configmap', config, '--from-literal=SPECIAL_LEVEL=very')
    await wait('jsonpath={.status.podIP}', `pod/${name}`)
    await kubectl('delete', 'pod', name, '--now')
  })

  test('a claim of a growing class grows, with the file system under the pod', async () => {
    const made = await apply(`
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: csi}
provisioner: csi.kubesim.dev
allowVolumeExpansion: true
volumeBindingMode: WaitForFirstConsumer
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {storageClassName: csi, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: db}
spec:
  containers: [{name: db, image: redis, volumeMounts: [{name: data, mountPath: /data}]}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
`)
    expect(made).toMatchObject({ code: 0, stderr: '' })
    await wait('condition=Ready', 'pod/db')
    expect(await kubectl('get', 'volumeattachments', '--no-headers')).toMatch(
      /csi\.kubesim\.dev\s+pvc-\S+\s+node-\d\s+true/,
    )
    await kubectl('patch', 'pvc', 'data', '-p', '{"spec":{"resources":{"requests":{"storage":"5Gi"}}}}')
    await wait('jsonpath={.status.capacity.storage}=5Gi', 'pvc/data')
    const shrink = await server.kubectl.run([
      'patch',
      'pvc',
      'data',
      '-p',
      '{"spec":{"resources":{"requests":{"storage":"1Gi"}}}}',
    ])
    expect(shrink.stderr).toContain(
      'spec.resources.requests.storage: Forbidden: field can not be less than status.capacity',
    )
    expect(await kubectl('describe', 'pod', 'db')).toContain('AttachVolume.Attach succeeded for volume')
    await kubectl('delete', 'pod/db', 'pvc/data', '--now')
    await wait('delete', 'pv', '--all')
    expect(await kubectl('get', 'volumeattachments', '--no-headers')).toBe('')
  })

  test('an approved request becomes a certificate with which its owner is known', async () => {
    const pair = curveKey()
    const request = base64(toPem('CERTIFICATE REQUEST', requestBytes('jane', ['dev'], pair)))
    await apply(`
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: jane}
spec: {request: ${request}, signerName: kubernetes.io/kube-apiserver-client, usages: [client auth]}
`)
    await kubectl('certificate', 'approve', 'jane')
    await wait('jsonpath={.status.certificate}', 'csr/jane')
    expect(await kubectl('get', 'csr', 'jane', '--no-headers')).toMatch(/Approved,Issued/)
    const file = (name: string, text: string | Buffer) => {
      writeFileSync(join(server.home, name), text, { mode: 0o600 })
      return join(server.home, name)
    }
    const certificate = await kubectl('get', 'csr', 'jane', '-o', 'jsonpath={.status.certificate}')
    const cert = file('jane.crt', Buffer.from(certificate, 'base64'))
    const key = file('jane.key', pair.privateKey.export({ type: 'pkcs8', format: 'pem' }))
    const who = await kubectl('auth', 'whoami', `--client-certificate=${cert}`, `--client-key=${key}`)
    expect(who).toMatch(/^Username +jane$/m)
    expect(who).toMatch(/^Groups +\[dev system:authenticated\]$/m)
    const authority = await kubectl(
      'config',
      'view',
      '--raw',
      '-o',
      'jsonpath={.clusters[0].cluster.certificate-authority-data}',
    )
    const ca = file('ca.crt', Buffer.from(authority, 'base64'))
    if (existsSync('/usr/bin/openssl')) {
      expect(`${execFileSync('/usr/bin/openssl', ['verify', '-x509_strict', '-CAfile', ca, cert])}`).toContain(': OK')
    }
  })
})
