// kubectl auth: may I, and who am I. Words: k8s.io/kubectl/pkg/cmd/auth.

import type { Step } from '../../../machine/wait.ts'
import type { Command, Run } from './command.ts'
import { Failure } from './failure.ts'
import { aligned } from './printing.ts'
import { type Resource, resourceNamed } from './resources.ts'

export const auth: Run = function* (command) {
  const [what, ...rest] = command.rest
  if (what === 'can-i') return yield* canI(command, rest)
  if (what === 'whoami') return yield* whoAmI(command)
  throw new Failure(`error: kubesim's kubectl in a container has no "auth ${what ?? ''}" yet`)
}

function* canI(command: Command, [verb, word, name]: readonly string[]): Step<number> {
  const { process, words, server, resources } = command
  if (verb === undefined || word === undefined) {
    throw new Failure('error: you must specify two arguments: verb resource or verb resource/resourceName.')
  }
  const [type, inner] = word.split('/') as [string, string | undefined]
  let spec: object
  if (word.startsWith('/')) spec = { nonResourceAttributes: { path: word, verb } }
  else {
    const known = type === '*' ? undefined : resources.find(each => each === tryNamed(resources, type))
    if (known === undefined && type !== '*') {
      yield* process.complain(`Warning: the server doesn't have a resource type '${type}'\n`)
    }
    const { plural = type, group = type === '*' ? '*' : '' } = known ?? {}
    const namespace = words.has('all-namespaces') ? '' : server.namespace
    const subresource = words.value('subresource')
    spec = { resourceAttributes: { namespace, verb, group, resource: plural, subresource, name: inner ?? name ?? '' } }
  }
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec }
  const { status } = yield* server.ask({ method: 'POST', path, body })
  if (!words.has('quiet'))
    yield* process.print(status.allowed ? 'yes\n' : `no${status.reason ? ` - ${status.reason}` : ''}\n`)
  return status.allowed ? 0 : 1
}

function tryNamed(resources: readonly Resource[], type: string): Resource | undefined {
  try {
    return resourceNamed(resources, type)
  } catch (error) {
    if (error instanceof Failure) return undefined
    throw error
  }
}

function* whoAmI({ process, server }: Command): Step<number> {
  const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
  const { username, uid, groups = [], extra = {} } = (yield* server.ask({ method: 'POST', path, body })).status.userInfo
  const list = (values: readonly string[]) => `[${values.join(' ')}]`
  const lines = [
    ['ATTRIBUTE', 'VALUE'],
    ['Username', username],
    ...(uid ? [['UID', uid]] : []),
    ['Groups', list(groups)],
    ...Object.entries(extra).map(([name, values]) => [`Extra: ${name}`, list(values as string[])]),
  ]
  yield* process.print(aligned(lines))
  return 0
}
