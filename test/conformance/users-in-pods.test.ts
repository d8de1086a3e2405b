// Upstream's conformance items about whom a container's programs run as, what they may do, and the files they find, by their
// names (test/e2e/common/node/{security_context,kubelet,kubelet_etc_hosts,sysctl,image_volume}.go, test/e2e/node/security_context.go).

import { describe, expect, test } from 'vitest'
import type { Container, PodSpec, SecurityContext } from '../../generated/types.ts'
import { testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'
import { agnhost, busybox, endOf, logOf, runs, saidIn } from './in-pods.ts'

const shell = (script: string, securityContext: SecurityContext = {}, more: Partial<PodSpec> = {}) =>
  endOf({ containers: [{ name: 'main', image: busybox, command: ['sh', '-c', script], securityContext }], ...more })

describe('Security Context', () => {
  test('[sig-node] Security Context When creating a container with runAsUser should run the container with uid 65534 [LinuxOnly] [NodeConformance]', async () => {
    const ended = await shell('test $(id -u) -eq 65534', { runAsUser: 65534 })
    expect(ended.pod.status.phase).toBe('Succeeded')
    expect((await shell('test $(id -u) -eq 65534', { runAsUser: 0 })).pod.status.phase).toBe('Failed')
  })

  test('[sig-node] Security Context should support pod.Spec.SecurityContext.RunAsUser And pod.Spec.SecurityContext.RunAsGroup [LinuxOnly]', async () => {
    const { printed } = await shell('id', {}, { securityContext: { runAsUser: 1001, runAsGroup: 2002 } })
    expect(printed).toBe('uid=1001 gid=2002 groups=2002\n')
  })

  test('[sig-node] Security Context should support container.SecurityContext.RunAsUser And container.SecurityContext.RunAsGroup [LinuxOnly]', async () => {
    const securityContext = { runAsUser: 1001, runAsGroup: 2001 }
    const { printed } = await shell('id', { runAsUser: 1002, runAsGroup: 2002 }, { securityContext })
    expect(printed).toBe('uid=1002 gid=2002 groups=2002\n')
  })

  const link = 'ip link add dummy0 type dummy || true'
  test('[sig-node] Security Context When creating a pod with privileged should run the container as unprivileged when false [LinuxOnly] [NodeConformance]', async () => {
    expect((await shell(link, { privileged: false })).printed).toBe('ip: RTNETLINK answers: Operation not permitted\n')
    expect((await shell(link, { privileged: true })).printed).toContain('kubesim cannot change interfaces')
  })

  test('[sig-node] Security Context When creating a pod with readOnlyRootFilesystem should run the container with writable rootfs when readOnlyRootFilesystem=false [NodeConformance]', async () => {
    const phase = async (readOnlyRootFilesystem: boolean) =>
      (await shell('touch checkfile', { readOnlyRootFilesystem })).pod.status.phase
    expect([await phase(false), await phase(true)]).toEqual(['Succeeded', 'Failed'])
  })

  test('[sig-node] Security Context when creating containers with AllowPrivilegeEscalation should not allow privilege escalation when false [LinuxOnly] [NodeConformance]', async () => {
    const image = 'registry.k8s.io/e2e-test-images/nonewprivs:1.4'
    const told = async (allowed: boolean | undefined, runAsUser = 1000) => {
      const securityContext = { runAsUser, ...(allowed === undefined ? {} : { allowPrivilegeEscalation: allowed }) }
      return (await endOf({ containers: [{ name: 'main', image, securityContext }] })).printed
    }
    expect(await told(false)).toBe('Effective uid: 1000\n')
    expect(await told(true)).toBe('Effective uid: 0\n')
    expect(await told(undefined)).toBe('Effective uid: 0\n')
  })
})

test('[sig-node] Sysctls [LinuxOnly] [NodeConformance] should support sysctls [MinimumKubeletVersion:1.21]', async () => {
  const securityContext = { sysctls: [{ name: 'kernel.shm_rmid_forced', value: '1' }] }
  const command = ['/bin/sysctl', 'kernel.shm_rmid_forced']
  const { printed } = await endOf({ securityContext, containers: [{ name: 'main', image: busybox, command }] })
  expect(printed).toBe('kernel.shm_rmid_forced = 1\n')
})

describe('Kubelet', () => {
  async function logAfter(script: string, securityContext: SecurityContext = {}): Promise<string> {
    await using cluster = await testCluster({ nodes: 1, delays: 0 })
    const main = { name: 'main', image: busybox, command: ['/bin/sh', '-c', script], securityContext }
    await cluster.apply(pod('pod-under-test', { restartPolicy: 'Never', containers: [main] }))
    await runs(cluster)
    await cluster.advance('4s')
    return logOf(cluster)
  }

  test('[sig-node] Kubelet when scheduling a busybox command in a pod should print the output to logs [NodeConformance]', async () => {
    expect(await logAfter("echo 'Hello World' ; sleep 240")).toBe('Hello World\n')
  })

  test('[sig-node] Kubelet when scheduling a read only busybox container should not write to root filesystem [LinuxOnly] [NodeConformance]', async () => {
    expect(await logAfter('echo test > /file; sleep 240', { readOnlyRootFilesystem: true })).toBe(
      "/bin/sh: can't create /file: Read-only file system\n",
    )
  })

  test('[sig-node] Kubelet when scheduling an agnhost Pod with hostAliases should write entries to /etc/hosts [NodeConformance]', async () => {
    const hostAliases = [{ ip: '123.45.67.89', hostnames: ['foo', 'bar'] }]
    const { printed } = await endOf({
      hostAliases,
      containers: [{ name: 'main', image: agnhost, args: ['etc-hosts'] }],
    })
    expect(printed).toContain('123.45.67.89\tfoo\tbar')
  })
})

test('[sig-node] KubeletManagedEtcHosts should test kubelet managed /etc/hosts file [LinuxOnly] [NodeConformance]', async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0 })
  const hostFile = (mountPath: string) => ({ name: 'host-etc-hosts', mountPath })
  const original = [hostFile('/etc/hosts-original')]
  const box = (name: string, volumeMounts: Container['volumeMounts']): Container =>
    ({ name, image: agnhost, args: ['pause'], volumeMounts }) as Container
  const volumes = [{ name: 'host-etc-hosts', hostPath: { path: '/etc/hosts', type: 'FileOrCreate' } }]
  const boxes = [box('busybox-1', original), box('busybox-2', original)]
  const own = box('busybox-3', [...original, hostFile('/etc/hosts')])
  await cluster.apply(
    pod('test-pod', { volumes, containers: [...boxes, own] }),
    pod('test-host-network-pod', { volumes, containers: boxes, hostNetwork: true }),
  )
  await runs(cluster, 'test-pod')
  await runs(cluster, 'test-host-network-pod')
  const isManaged = async (name: string, container: string) => {
    const read = async (path: string) => (await saidIn(cluster, ['cat', path], { name, container })).said
    const [hosts, before] = [await read('/etc/hosts'), await read('/etc/hosts-original')]
    expect([hosts.length, before.length]).not.toContain(0)
    return hosts.startsWith('# Kubernetes-managed hosts file.') && hosts !== before
  }
  expect([
    await isManaged('test-pod', 'busybox-1'),
    await isManaged('test-pod', 'busybox-2'),
    await isManaged('test-pod', 'busybox-3'),
    await isManaged('test-host-network-pod', 'busybox-1'),
    await isManaged('test-host-network-pod', 'busybox-2'),
  ]).toEqual([true, true, false, false, false])
})

test('[sig-node] ImageVolume should succeed with pod and pull policy of Always [LinuxOnly] [MinimumKubeletVersion:1.35]', async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0 })
  const reference = 'registry.k8s.io/e2e-test-images/kitten:1.8'
  const command = ['/bin/sh', '-c', 'while true; do echo test; sleep 1; done']
  const volumeMounts = [{ name: 'volume', mountPath: '/volume' }]
  await cluster.apply(
    pod('pod-under-test', {
      containers: [{ name: 'main', image: busybox, command, volumeMounts }],
      volumes: [{ name: 'volume', image: { reference, pullPolicy: 'Always' } }],
    }),
  )
  await runs(cluster)
  const read = async (path: string) => (await saidIn(cluster, ['/bin/cat', path])).said
  expect(await read('/volume/data.json')).toContain('kitten.jpg')
  expect(await read('/volume/etc/os-release')).toContain('Alpine Linux')
})
