// Commands that nobody has written: the user's own programs (`python app.py`, `migrate`), and what installs more. As process 1
// such a program serves until it is stopped (an init container's does its work and ends); anywhere else it does its work at
// once and succeeds; code given to an interpreter is run or refused (images/programs/interpreters.ts). In images of which all is known (busybox, alpine) there are none, and a command is not found.

import type { ImageBook } from '../image-book.ts'
import { interpreterFor } from '../images/programs/interpreters.ts'
import { servedBy } from '../images/programs/served.ts'
import type { Wanted } from './machines.ts'
import type { Program } from './process.ts'

const installers: ReadonlySet<string> = new Set([
  ...[
    'apt',
    'apt-get',
    'apk',
    'dnf',
    'yum',
    'microdnf',
    'pip',
    'pip3',
    'npm',
    'npx',
    'yarn',
    'gem',
    'bundle',
    'go',
    'mvn',
  ],
])

const work = 1000

export function strangerOf(
  images: ImageBook,
  { pod, container, image }: Wanted,
  argv: readonly string[],
  isThere: boolean,
): Program | undefined {
  const interpreter = isThere ? interpreterFor(argv) : undefined
  if (interpreter !== undefined) return interpreter
  const name = argv[0]!.slice(argv[0]!.lastIndexOf('/') + 1)
  const isUnknown = image === undefined || image.base === undefined
  if (!isThere && !isUnknown && !(installers.has(name) && image.base !== 'busybox')) return undefined
  const isInit = pod.spec.initContainers?.some(each => each.name === container.name && each.restartPolicy !== 'Always')
  const serving = servedBy(images, { ports: container.ports, overrides: pod.metadata.annotations ?? {} })
  return function* (process) {
    if (process.pid !== 1) return 0
    if (!isInit && !installers.has(name)) return yield* serving(process)
    yield* process.sleep(work)
    return 0
  }
}
