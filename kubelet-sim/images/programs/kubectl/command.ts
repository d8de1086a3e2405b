// What every command of kubectl gets: its words, the server, what it serves. Made by index.ts.

import type { Process } from '../../../machine/process.ts'
import type { Step } from '../../../machine/wait.ts'
import { Failure } from './failure.ts'
import type { Words } from './flags.ts'
import { objectsIn } from './manifests.ts'
import { pathOf, type Resource, resourceOfKind, type Wanted, wantedOf } from './resources.ts'
import type { Server } from './server.ts'

export interface Command {
  readonly process: Process
  readonly words: Words
  /** Without the command's own name. */
  readonly rest: readonly string[]
  readonly server: Server
  readonly resources: readonly Resource[]
}

export type Run = (command: Command) => Step<number>

/** Undefined for those of the cluster, and with --all-namespaces. */
export function namespaceOf({ words, server }: Command, { isNamespaced }: Resource): string | undefined {
  return isNamespaced && !words.has('all-namespaces') ? server.namespace : undefined
}

/** An object that a command is about, as it is now. */
export interface Target {
  readonly resource: Resource
  readonly path: string
  readonly object: any
}

/** By type and name, by labels, with --all, or by the files of -f. */
export function* targetsOf(command: Command, words: readonly string[] = command.rest): Step<readonly Target[]> {
  const { server } = command
  const wanted = yield* wantedIn(command, words)
  const targets: Target[] = []
  for (const { resource, name, namespace } of wanted) {
    const path = pathOf(resource, namespace, name)
    if (name !== undefined) targets.push({ resource, path, object: yield* server.ask({ path }) })
    else {
      const selectors = {
        labelSelector: command.words.value('selector'),
        fieldSelector: command.words.value('field-selector'),
      }
      const { items } = yield* server.ask({ path, query: selectors })
      for (const object of items) {
        targets.push({ resource, path: pathOf(resource, object.metadata.namespace, object.metadata.name), object })
      }
    }
  }
  return targets
}

export interface Placed extends Wanted {
  readonly namespace: string | undefined
}

export function* wantedIn(command: Command, words: readonly string[]): Step<readonly Placed[]> {
  const files = command.words.values('filename')
  if (files.length === 0) {
    return wantedOf(command.resources, words).map(each => ({ ...each, namespace: namespaceOf(command, each.resource) }))
  }
  const objects = yield* objectsIn(command.process, files, command.words.has('recursive'))
  return objects.map(({ apiVersion, kind, metadata }) => {
    const resource = resourceOfKind(command.resources, apiVersion, kind)
    const namespace = metadata.namespace ?? command.server.namespace
    return { resource, name: metadata.name, namespace: resource.isNamespaced ? namespace : undefined }
  })
}

export function dryRunOf({ words }: Command): 'client' | 'server' | undefined {
  const given = words.value('dry-run')
  if (given === undefined || given === 'none') return undefined
  if (given === 'client' || given === 'server') return given
  throw new Failure(`error: Invalid dry-run value (${given}). Must be "none", "server", or "client".`)
}
