// Upstream's items about images, their entrypoints, and files of volumes as agnhost's mounttest sees them: pods as upstream
// makes them (test/e2e/common/node/containers.go, test/e2e/common/storage/empty_dir.go), judged by what they print.

import { describe, expect, test } from 'vitest'
import type { PodSpec } from '../../generated/types.ts'
import { virtualRoom } from '../kubelet-sim/room.ts'

const image = 'registry.k8s.io/e2e-test-images/agnhost:2.57'

/** What the one container of a pod prints until the pod has ended, or for ten seconds. */
async function printedBy(spec: Partial<PodSpec>): Promise<string> {
  await using room = await virtualRoom({ pullDelay: 0, startDelay: 0, count: 1 })
  await room.run('pod', 'node-1', { restartPolicy: 'Never', ...spec })
  await room.env.clock.advance(10_000)
  let text = ''
  const { signal } = new AbortController()
  for await (const chunk of room.nodes.nodeClient.logs(await room.pod('pod'), { signal })) text += chunk
  return text
}

describe('Containers', () => {
  const run = (words: { command?: string[]; args?: string[] }) =>
    printedBy({ containers: [{ name: 'c', image, ...words }] })

  test('[sig-node] Containers should use the image defaults if command and args are blank [NodeConformance]', async () => {
    expect(await run({})).toContain('Paused')
  })
  test("[sig-node] Containers should be able to override the image's default arguments (container cmd) [NodeConformance]", async () => {
    expect(await run({ args: ['entrypoint-tester', 'override', 'arguments'] })).toBe(
      '[/agnhost entrypoint-tester override arguments]\n',
    )
  })
  test("[sig-node] Containers should be able to override the image's default command (container entrypoint) [NodeConformance]", async () => {
    expect(await run({ command: ['/agnhost-2', 'entrypoint-tester'] })).toBe('[/agnhost-2 entrypoint-tester]\n')
  })
  test("[sig-node] Containers should be able to override the image's default command and arguments [NodeConformance]", async () => {
    expect(await run({ command: ['/agnhost-2'], args: ['entrypoint-tester', 'override', 'arguments'] })).toBe(
      '[/agnhost-2 entrypoint-tester override arguments]\n',
    )
  })
})

const emptyDir = (args: string[], medium: string, more: Partial<PodSpec> = {}) =>
  printedBy({
    containers: [
      { name: 'c', image, args: ['mounttest', ...args], volumeMounts: [{ name: 'v', mountPath: '/test-volume' }] },
    ],
    volumes: [{ name: 'v', emptyDir: medium === 'tmpfs' ? { medium: 'Memory' } : {} }],
    ...more,
  })

describe('EmptyDir volumes', () => {
  test.each([
    '[sig-storage] EmptyDir volumes should support (non-root,0644,default) [LinuxOnly] [NodeConformance]',
    '[sig-storage] EmptyDir volumes should support (non-root,0644,tmpfs) [LinuxOnly] [NodeConformance]',
    '[sig-storage] EmptyDir volumes should support (non-root,0666,default) [LinuxOnly] [NodeConformance]',
    '[sig-storage] EmptyDir volumes should support (non-root,0666,tmpfs) [LinuxOnly] [NodeConformance]',
    '[sig-storage] EmptyDir volumes should support (non-root,0777,default) [LinuxOnly] [NodeConformance]',
    '[sig-storage] EmptyDir volumes should support (non-root,0777,tmpfs) [LinuxOnly] [NodeConformance]',
    '[sig-storage] EmptyDir volumes should support (root,0644,default) [LinuxOnly] [NodeConformance]',
    '[sig-storage] EmptyDir volumes should support (root,0644,tmpfs) [LinuxOnly] [NodeConformance]',
    '[sig-storage] EmptyDir volumes should support (root,0666,default) [LinuxOnly] [NodeConformance]',
    '[sig-storage] EmptyDir volumes should support (root,0666,tmpfs) [LinuxOnly] [NodeConformance]',
    '[sig-storage] EmptyDir volumes should support (root,0777,default) [LinuxOnly] [NodeConformance]',
    '[sig-storage] EmptyDir volumes should support (root,0777,tmpfs) [LinuxOnly] [NodeConformance]',
  ])('%s', async name => {
    const [, user = '', mode = '', medium = ''] = /\((root|non-root),(\d{4}),(default|tmpfs)\)/.exec(name) ?? []
    const path = '/test-volume/test-file'
    const args = ['--fs_type=/test-volume', `--new_file_${mode}=${path}`, `--file_perm=${path}`]
    const printed = await emptyDir(args, medium, user === 'root' ? {} : { securityContext: { runAsUser: 1001 } })
    const perms = { '0644': '-rw-r--r--', '0666': '-rw-rw-rw-', '0777': '-rwxrwxrwx' }[mode]
    expect(printed).toContain(`perms of file "${path}": ${perms}\n`)
    expect(printed).toContain(`content of file "${path}": mount-tester new file\n`)
    expect(printed.includes('mount type of "/test-volume": tmpfs\n')).toBe(medium === 'tmpfs')
  })

  test.each([
    [
      '[sig-storage] EmptyDir volumes volume on default medium should have the correct mode [LinuxOnly] [NodeConformance]',
      'default',
    ],
    [
      '[sig-storage] EmptyDir volumes volume on tmpfs should have the correct mode [LinuxOnly] [NodeConformance]',
      'tmpfs',
    ],
  ])('%s', async (_, medium) => {
    const printed = await emptyDir(['--fs_type=/test-volume', '--file_perm=/test-volume'], medium)
    expect(printed).toContain('perms of file "/test-volume": -rwxrwxrwx\n')
    expect(printed.includes('mount type of "/test-volume": tmpfs\n')).toBe(medium === 'tmpfs')
  })
})
