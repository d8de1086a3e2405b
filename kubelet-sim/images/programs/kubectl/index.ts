// kubectl, as a program of containers: CronJobs and Jobs that look after a cluster from within. It speaks to the API server as the
// pod's service account. What it does not have is refused by name.

import type { Process, Program } from '../../../machine/process.ts'
import type { Step } from '../../../machine/wait.ts'
import { apply, create, replace } from './applying.ts'
import { auth } from './auth.ts'
import { annotate, cordon, label, patch, remove, scale, set, uncordon } from './changing.ts'
import type { Run } from './command.ts'
import { Failure } from './failure.ts'
import { wordsOf } from './flags.ts'
import { apiResources, get, logs, version } from './reading.ts'
import { discovered } from './resources.ts'
import { rollout } from './rollout.ts'
import { Server } from './server.ts'
import { wait } from './waiting.ts'

const commands: Readonly<Record<string, Run>> = {
  annotate,
  'api-resources': apiResources,
  apply,
  auth,
  cordon,
  create,
  delete: remove,
  get,
  label,
  logs,
  patch,
  replace,
  rollout,
  scale,
  set,
  uncordon,
  version,
  wait,
}

const refused: ReadonlySet<string> = new Set([
  ...['api-versions', 'attach', 'autoscale', 'certificate', 'cluster-info', 'completion', 'config', 'cp', 'debug'],
  ...['describe', 'diff', 'drain', 'edit', 'events', 'exec', 'explain', 'expose', 'kustomize', 'options', 'plugin'],
  ...['port-forward', 'proxy', 'run', 'taint', 'top'],
])

export const kubectl: Program = function* (process) {
  try {
    return yield* run(process)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    yield* process.complain(`${error.message}\n`)
    return error.code
  }
}

function* run(process: Process): Step<number> {
  const words = wordsOf(process.argv.slice(1))
  const [name, ...rest] = words.rest
  if (name === undefined || name === 'help' || words.has('help')) {
    const list = Object.keys(commands).map(each => `  ${each}\n`)
    yield* process.print(
      `kubectl controls the Kubernetes cluster manager.\n\nCommands that it has here:\n${list.join('')}`,
    )
    return 0
  }
  const command = Object.hasOwn(commands, name) ? commands[name]! : undefined
  if (command === undefined) {
    throw new Failure(
      refused.has(name)
        ? `error: kubesim's kubectl in a container has no "${name}" yet`
        : `error: unknown command "${name}" for "kubectl"`,
    )
  }
  const server = new Server(process, words)
  const resources = name === 'version' ? [] : yield* discovered(server)
  return yield* command({ process, words, rest, server, resources })
}
