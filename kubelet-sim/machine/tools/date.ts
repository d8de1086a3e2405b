// date: the cluster's time. It cannot be set from a container.

import { dateOf, formatted } from './date-text.ts'
import { optionsOf } from './options.ts'
import { pathOf, ToolError, tool } from './tool.ts'

export const date = tool('[OPTIONS] [+FMT] [[-s] TIME]', function* (process) {
  const options = optionsOf(process, 'uRI::d:r:s:D:', {
    utc: 'u',
    universal: 'u',
    'rfc-2822': 'R',
    'rfc-email': 'R',
    'iso-8601': 'I',
    date: 'd',
    reference: 'r',
    set: 's',
  })
  const now = process.clock.now()
  const [given, reference] = [options.value('d'), options.value('r')]
  const at =
    given !== undefined
      ? dateOf(given, now)
      : reference !== undefined
        ? process.files.stat(pathOf(process, reference)).modified
        : now
  const [word] = options.words
  if (options.has('s') || (word !== undefined && !word.startsWith('+'))) {
    const wanted = options.value('s') ?? word!
    dateOf(wanted, now)
    yield* process.complain("date: can't set date: Operation not permitted\n")
    yield* process.print(`${formatted(dateOf(wanted, now), usual)}\n`)
    return 1
  }
  yield* process.print(`${formatted(at, word?.slice(1) ?? formatBy(options))}\n`)
  return 0
})

const usual = '%a %b %e %H:%M:%S %Z %Y'

function formatBy(options: { has(letter: string): boolean; value(letter: string): string | undefined }): string {
  if (options.has('R')) return '%a, %d %b %Y %H:%M:%S %z'
  if (!options.has('I')) return usual
  const spec = options.value('I') ?? 'date'
  const formats: Readonly<Record<string, string>> = {
    date: '%Y-%m-%d',
    hours: '%Y-%m-%dT%H%z',
    minutes: '%Y-%m-%dT%H:%M+00:00',
    seconds: '%Y-%m-%dT%H:%M:%S+00:00',
    ns: '%Y-%m-%dT%H:%M:%S,%N+00:00',
  }
  const format = formats[spec]
  if (format === undefined) throw new ToolError(`invalid argument '${spec}'`)
  return format
}
