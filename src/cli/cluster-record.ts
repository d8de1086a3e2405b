// The record of a running cluster, `kubesim.json` in its data directory: written by `start` when it is ready, read by
// every other command to find the cluster, removed when it ends.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from './output.ts'

export interface ClusterRecord {
  readonly name: string
  readonly pid: number
  readonly server: string
  readonly kubeconfig: string
  readonly version: string
  readonly memory: boolean
  /** The address under which the first node answers; `kubesim ip`. */
  readonly nodeAddress: string
  /** Where the ingress listens once its addon is enabled, `127.0.0.1:80`, unless that could not be had. */
  readonly ingress: string
  /** Where its names are answered over UDP and TCP. */
  readonly dns?: string
  /** The dashboard's address with its key, when it is served with the cluster. */
  readonly dashboard?: string
  readonly startedAt: string
}

export const recordFile = (dataDir: string) => join(dataDir, 'kubesim.json')
export const logFile = (dataDir: string) => join(dataDir, 'kubesim.log')

export function writeRecord(dataDir: string, record: ClusterRecord): void {
  mkdirSync(dataDir, { recursive: true })
  const partial = `${recordFile(dataDir)}.${record.pid}`
  writeFileSync(partial, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 })
  renameSync(partial, recordFile(dataDir))
}

/** Removes the record, unless another process has written its own since. */
export function removeRecord(dataDir: string, pid: number): void {
  if (readRecord(dataDir)?.pid === pid) rmSync(recordFile(dataDir), { force: true })
}

export function readRecord(dataDir: string): ClusterRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordFile(dataDir), 'utf8')) as ClusterRecord
  } catch {
    return undefined
  }
}

/** The record of a cluster whose process lives; undefined when none runs here. */
export function runningCluster(dataDir: string): ClusterRecord | undefined {
  const record = readRecord(dataDir)
  return record && isAlive(record.pid) ? record : undefined
}

/** Throws a UserError that says how to start one. */
export function requireRunning(dataDir: string): ClusterRecord {
  const record = runningCluster(dataDir)
  if (!record) throw new UserError(`no cluster is running in ${dataDir}: start one with "kubesim start"`)
  return record
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !isZombie(pid)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Ended, but not yet taken note of by its parent: in a container without an init that can last. */
function isZombie(pid: number): boolean {
  if (process.platform !== 'linux') return false
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
  } catch {
    return false
  }
}
