// kubesim export, import and branch: a cluster with its history as one file, a cluster made of such a file, and a second
// cluster that goes on from how this one was.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { LevelJournal } from '../../apiserver/storage/level-journal.ts'
import { readConfig, unreadable } from '../config.ts'
import { fillJournal, readSnapshot, type Snapshot, SnapshotError } from '../snapshot-file.ts'
import { runningCluster } from './cluster-record.ts'
import { withCluster } from './connect.ts'
import { done, UserError } from './output.ts'
import { dataDirOption, outputOption } from './settings.ts'
import { startInBackground } from './start.ts'

const path = '/kubesim/v1alpha1/snapshot'
const points = 'a revision (123), now, now-20, 5m-ago or 2024-01-01T12:00:00Z'

export function exportCommand(): Command {
  return dataDirOption(new Command('export'))
    .description('write the cluster with its history into one file; Secrets are in it as they are')
    .argument('[file]', 'default: standard output', '-')
    .option('--until <point>', `as if nothing had happened after it: ${points}`)
    .action(async (file: string, options: { dataDir?: string; until?: string }) => {
      const text = await snapshotText(options.dataDir, options.until)
      if (file === '-') {
        process.stdout.write(text)
        return
      }
      const { writeFile } = await import('node:fs/promises')
      await writeFile(file, text, { mode: 0o600 })
      const { revision, compacted } = readSnapshot(text).heading
      done(`${file} has the cluster as it was at revision ${revision}, and its history from revision ${compacted}`)
    })
}

export function importCommand(): Command {
  return dataDirOption(new Command('import'))
    .description(
      'make a cluster of an exported file, in a data directory that has none; "kubesim start" then starts it',
    )
    .argument('<file>')
    .action(async (file: string, options: { dataDir?: string }) => {
      const { readFile } = await import('node:fs/promises')
      const text = await readFile(file, 'utf8').catch(error => {
        throw new UserError(unreadable(file, error))
      })
      const { dataDir } = readConfig(options)
      const snapshot = readable(file, text)
      await fill(dataDir, snapshot)
      const start = `kubesim start${options.dataDir === undefined ? '' : ` --data-dir ${dataDir}`}`
      done(`${dataDir} has the cluster as it was at revision ${snapshot.heading.revision}; "${start}" starts it`)
    })
}

export function branchCommand(): Command {
  return outputOption(dataDirOption(new Command('branch')))
    .description('start a second cluster that goes on from how this one was')
    .argument('<point>', points)
    .requiredOption('--name <name>', 'name of the new cluster and of its context')
    .option('--branch-dir <dir>', "where it keeps its data (default: beside this one's, with the name behind it)")
    .option('--port <number>', 'port of its API server (default: a free one)', '0')
    .action(
      async (
        point: string,
        options: { dataDir?: string; output: string; name: string; branchDir?: string; port: string },
      ) => {
        const { dataDir } = readConfig(options.dataDir === undefined ? {} : { dataDir: options.dataDir })
        const folder = options.branchDir ?? `${dataDir}-${options.name}`
        const { name, port, output } = options
        requireNone(folder)
        await startFrom(readSnapshot(await snapshotText(options.dataDir, point)), { folder, name, port, output })
      },
    )
}

/** Starts a new cluster, of that name and in that place, that goes on from the snapshot. */
export async function startFrom(
  snapshot: Snapshot,
  { folder, name, port, output }: { folder: string; name: string; port: string; output: string },
): Promise<void> {
  requireNone(folder)
  // Its nodes are those that were there.
  const config = readConfig({ dataDir: folder, name, port, ingressPort: 0, nodes: 0 })
  const words = ['--data-dir', folder, '--name', name, '--port', port, '--ingress-port', '0', '--nodes', '0']
  await fill(config.dataDir, snapshot)
  await startInBackground(config, output, ['start', '--foreground', ...words])
  done(`${name} goes on from revision ${snapshot.heading.revision}`)
}

function requireNone(folder: string): void {
  const { dataDir } = readConfig({ dataDir: folder })
  if (runningCluster(dataDir)) throw new UserError(`a cluster runs in ${dataDir} already`)
}

function snapshotText(dataDir: string | undefined, until: string | undefined): Promise<string> {
  const query = until === undefined ? '' : `?${new URLSearchParams({ until })}`
  return withCluster(dataDir, (_, __, ___, ____, text) => text(path + query))
}

function readable(file: string, text: string): Snapshot {
  try {
    return readSnapshot(text)
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error
    throw new UserError(`${file}: ${error.message}`)
  }
}

async function fill(dataDir: string, snapshot: Snapshot): Promise<void> {
  const store = join(dataDir, 'store')
  const isTaken = existsSync(store)
  const journal = await LevelJournal.open(store)
  try {
    await fillJournal(journal, snapshot)
  } catch (error) {
    if (isTaken && error instanceof SnapshotError) {
      throw new UserError(`${dataDir}: ${error.message}; "kubesim delete" removes it, --data-dir names another place`)
    }
    throw error
  } finally {
    await journal.close()
  }
}
