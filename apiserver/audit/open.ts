// Opens an audit log as the user's settings say. Called by src/serve.ts, which loads this only then.

import { readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { Audit } from './audit.ts'
import { type LogFileOptions, openLogFile } from './log-file.ts'
import { type AuditPolicy, PolicyError, parsePolicy } from './policy.ts'

export interface OpenAuditOptions {
  readonly policyFile: string
  readonly log: LogFileOptions
  readonly warn: (text: string) => void
}

/** Throws PolicyError, or the system's error when the log cannot be written. */
export function openAudit({ policyFile, log, warn }: OpenAuditOptions): Audit {
  const policy = readPolicy(policyFile)
  if (policy.unknown.length > 0) {
    warn(`the audit policy ${policyFile} has fields that mean nothing: ${policy.unknown.join(', ')}`)
  }
  return new Audit({ policy, sink: openLogFile(log), now: log.now })
}

function readPolicy(file: string): AuditPolicy {
  const start = 'loading audit policy file:'
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new PolicyError(`${start} failed to read file path ${JSON.stringify(file)}: ${code}`, { cause })
  }
  let value: unknown
  try {
    value = load(text)
  } catch (cause) {
    const [why] = (cause as Error).message.split('\n', 1)
    throw new PolicyError(`${start} failed decoding: ${why}: from file ${file}`, { cause })
  }
  try {
    return parsePolicy(value)
  } catch (cause) {
    if (!(cause instanceof PolicyError)) throw cause
    throw new PolicyError(`${start} ${cause.message}: from file ${file}`, { cause })
  }
}
