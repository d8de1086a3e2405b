// A cluster of a lesson's own: in memory, in this process, in a folder of its own, gone when the lesson is over. So a lesson may
// kill nodes and move time, and no object, no context and no clock of the learner's is touched (docs/decisions/0018-lessons.md).

import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { findTool } from '../cli/bundled-tools.ts'
import { removeRecord, runningCluster, writeRecord } from '../cli/cluster-record.ts'
import { UserError } from '../cli/output.ts'
import type { Access } from '../client/kubeconfig.ts'
import { defaultDataDir, readConfig } from '../config.ts'
import type { Lesson } from './lesson.ts'
import type { Place } from './run-command.ts'

export interface LessonCluster extends Place, AsyncDisposable {
  readonly access: Access
}

/** Beside the clusters' own data. */
export const lessonsFolder = (): string => `${defaultDataDir()}-lessons`

/** Throws UserError when the lesson is being played already. */
export async function startLessonCluster(lesson: Lesson, home = lessonsFolder()): Promise<LessonCluster> {
  const place = join(home, `${lesson.number}-${lesson.name}`)
  const dataDir = join(place, 'cluster')
  const folder = join(place, 'files')
  const running = runningCluster(dataDir)
  if (running) {
    throw new UserError(
      `lesson ${lesson.number} is being played already, by process ${running.pid}: end it there, or play another`,
    )
  }
  // Said now rather than at the first command.
  await findTool('kubectl')
  rmSync(place, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const stopping = new AbortController()
  const ingressPort = await freePort()
  const { serve } = await import('../serve.ts')
  const serving = await serve(
    readConfig({
      dataDir,
      name: `lesson-${lesson.number}`,
      memory: true,
      port: 0,
      ingressPort,
      dnsPort: 'off',
      nodes: lesson.cluster.nodes,
      seed: lesson.cluster.seed,
      delays: lesson.cluster.delays,
      historyEvents: lesson.cluster.history,
    }),
    stopping.signal,
  )
  writeRecord(dataDir, serving.record)
  await settle(serving.access)
  return {
    access: serving.access,
    kubeconfig: serving.record.kubeconfig,
    dataDir,
    folder,
    ingress: serving.record.ingress,
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await serving.ended
      removeRecord(dataDir, process.pid)
      rmSync(place, { recursive: true, force: true })
    },
  }
}

/** What a new cluster does by itself is done before the learner sees it: an advance ends when all are at rest. */
async function settle(access: Access): Promise<void> {
  const { createHttpClient } = await import('../client/http-client.ts')
  const connection = createHttpClient(access, 'kubesim-lesson')
  try {
    await connection.post('/kubesim/v1alpha1/clock/advance', { by: '2s' })
  } finally {
    connection.close()
  }
}

/** The ingress of a lesson listens where no other does. */
async function freePort(): Promise<number> {
  const { createServer } = await import('node:net')
  const probe = createServer()
  return new Promise((resolve, reject) => {
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}
