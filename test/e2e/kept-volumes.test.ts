// Volumes outlive kubesim: what a claim and a path of a node hold is there again after a stop, and gone with the volume.

import { mkdtempSync, readdirSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { noKubectl } from '../support/kubectl.ts'
import { startServer } from '../support/server.ts'

const manifest = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
---
apiVersion: v1
kind: Pod
metadata: { name: keeper }
spec:
  volumes:
  - { name: data, persistentVolumeClaim: { claimName: data } }
  - { name: node, hostPath: { path: /srv/kept, type: DirectoryOrCreate } }
  containers:
  - name: main
    image: busybox
    command:
    - sh
    - -c
    - |
      trap 'echo told to end >> /data/log; exit 0' TERM
      echo a life >> /data/log
      echo a life >> /node/log
      chmod 600 /data/log
      while true; do sleep 0.1; done
    volumeMounts: [{ name: data, mountPath: /data }, { name: node, mountPath: /node }]
`

test.skipIf(noKubectl)('data of a claim and of a node outlives a stop and goes with its volume', async () => {
  const home = mkdtempSync(join(tmpdir(), 'kubesim-volumes-'))
  const dataDir = join(home, 'data')
  const options = { dataDir, words: ['--nodes', '1', '--delays', '0', '--no-merge-kubeconfig'] }
  try {
    {
      await using server = await startServer(options)
      expect((await server.kubectl.run(['apply', '-f', '-'], { stdin: manifest })).code).toBe(0)
      await server.kubectl('wait', '--for=condition=Ready', 'pod/keeper', '--timeout=60s')
      await server.kubectl('exec', 'keeper', '--', 'sh', '-c', 'until [ -s /node/log ]; do sleep 0.1; done')
    }
    await using server = await startServer(options)
    const seen = await server.kubectl(
      'exec',
      'keeper',
      '--',
      'sh',
      '-c',
      'cat /data/log; stat -c %a /data/log; cat /node/log',
    )
    expect(seen).toBe('a life\ntold to end\na life\n600\na life\na life\n')

    const volumes = () => readdirSync(join(dataDir, 'volumes')).filter(name => name.startsWith('provisioned'))
    expect(volumes()).toHaveLength(1)
    const gone = new Promise<void>(resolve => {
      const watcher = watch(join(dataDir, 'volumes'), () => {
        if (volumes().length > 0) return
        watcher.close()
        resolve()
      })
    })
    await server.kubectl('delete', 'pod/keeper', 'pvc/data', '--grace-period=1')
    await gone
    expect(await server.kubectl('get', 'pv')).toBe('')
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})
