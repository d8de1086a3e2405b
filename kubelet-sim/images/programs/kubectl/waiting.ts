// kubectl wait: until objects are as they are wanted, watching them, or until the time is over. Words:
// k8s.io/kubectl/pkg/cmd/wait.

import { durationOf } from '../go.ts'
import { type Placed, type Run, targetsOf, wantedIn } from './command.ts'
import { Failure } from './failure.ts'
import { valuesAt } from './json-path.ts'
import { pathOf, shown } from './resources.ts'

export const wait: Run = function* (command) {
  const { process, words, server } = command
  const condition = words.value('for')
  if (condition === undefined) throw new Failure('error: --for must be specified')
  const timeout = durationOf(words.value('timeout') ?? '30s')
  if (timeout === undefined)
    throw new Failure(`error: invalid argument "${words.value('timeout')}" for "--timeout" flag`)
  const due = process.clock.now() + timeout
  const isMet = metBy(condition)
  let wanted: readonly Placed[] = yield* wantedIn(command, command.rest)
  if (wanted.some(({ name }) => name === undefined)) {
    const targets = yield* targetsOf(command)
    wanted = targets.map(({ resource, object: { metadata } }) => ({
      resource,
      name: metadata.name,
      namespace: resource.isNamespaced ? metadata.namespace : undefined,
    }))
    if (wanted.length === 0 && condition !== 'delete') throw new Failure('error: no matching resources found')
  }
  for (const { resource, name, namespace } of wanted) {
    const path = pathOf(resource, namespace)
    const query = { fieldSelector: `metadata.name=${name}` }
    const { items, metadata } = yield* server.ask({ path, query })
    const [object] = items
    if (object === undefined && condition !== 'delete') yield* server.ask({ path: pathOf(resource, namespace, name) })
    let isOver = isMet(object)
    if (!isOver && process.clock.now() < due) {
      const from = { ...query, resourceVersion: metadata.resourceVersion }
      yield* server.watch({ path, query: from, due }, ({ type, object }) => {
        isOver = isMet(type === 'DELETED' ? undefined : object)
        return isOver
      })
    }
    if (!isOver) throw new Failure(`error: timed out waiting for the condition on ${resource.plural}/${name}`)
    const met = condition === 'delete' ? 'deleted' : 'condition met'
    yield* process.print(`${shown(resource, name!)} ${met}\n`)
  }
  return 0
}

/** Of the object as it is; undefined: it is gone. */
function metBy(condition: string): (object: any) => boolean {
  if (condition === 'delete') return object => object === undefined
  if (condition === 'create') return object => object !== undefined
  const status = /^condition=([^=]+)(?:=(.*))?$/.exec(condition)
  if (status) {
    const [, type, value = 'true'] = status as unknown as [string, string, string?]
    return object => {
      const found = object?.status?.conditions?.find((each: any) => each.type.toLowerCase() === type.toLowerCase())
      return found?.status.toLowerCase() === value.toLowerCase()
    }
  }
  const path = /^jsonpath=(\{[^}]*\})(?:=(.*))?$/.exec(condition)
  if (!path) throw new Failure(`error: unrecognized condition: "${condition}"`)
  return object => {
    const [value] = object === undefined ? [] : valuesAt(path[1]!, object)
    return value !== undefined && (path[2] === undefined || String(value) === path[2])
  }
}
