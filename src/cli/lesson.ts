// kubesim lesson [N]: lists the lessons, or plays one in a cluster of its own. Step by step in a terminal, or with --all from
// beginning to end without asking, which is also how the tests play them.

import { Command } from 'commander'
import type { Lesson } from '../lessons/lesson.ts'
import type { Play } from '../lessons/play.ts'
import type { PlayedThrough } from '../lessons/play-through.ts'
import { paint, print, progress, table, UserError } from './output.ts'
import { outputOption } from './settings.ts'

interface Options {
  readonly all?: boolean
  readonly output: string
}

export function lessonCommand(): Command {
  return outputOption(new Command('lesson'))
    .description('learn how a cluster works: list the lessons, or play one in a cluster of its own')
    .argument('[lesson]', 'its number or its name')
    .option('--all', 'play it from beginning to end without asking')
    .action(async (words: string | undefined, options: Options) => {
      const { allLessons, lessonCalled } = await import('../lessons/shelf.ts')
      const lessons = allLessons()
      if (words === undefined) await list(lessons, options)
      else await open(lessonCalled(words, lessons), options)
    })
}

async function list(lessons: readonly Lesson[], { output }: Options): Promise<void> {
  const { progressText, readProgress } = await import('../lessons/progress.ts')
  const all = readProgress()
  const rows = lessons.map(lesson => {
    const { number, name, title, minutes, steps, questions } = lesson
    const shown = progressText(lesson, all[name])
    return { number, name, title, minutes, steps: steps.length, questions: questions.length, progress: shown }
  })
  print(output, rows, () =>
    table(
      ['', 'LESSON', 'NAME', 'MINUTES', 'PROGRESS'],
      rows.map(row => [String(row.number).padStart(2), row.title, row.name, String(row.minutes), row.progress]),
    ),
  )
}

async function open(lesson: Lesson, { all, output }: Options): Promise<void> {
  const isAsking = !all && output !== 'json'
  if (isAsking && !process.stdin.isTTY)
    throw new UserError('a lesson asks for what to do next: play it in a terminal, or with --all')
  const { startLessonCluster } = await import('../lessons/lesson-cluster.ts')
  const { Play } = await import('../lessons/play.ts')
  progress(`starting a cluster for lesson ${lesson.number} ...`)
  const play = new Play(lesson, await startLessonCluster(lesson))
  endOnSignals(play, isAsking)
  try {
    if (isAsking) {
      const { playInTerminal } = await import('./lesson-terminal.ts')
      await playInTerminal(play)
    } else await playWhole(play, output)
  } finally {
    await play[Symbol.asyncDispose]()
  }
  process.exit()
}

async function playWhole(play: Play, output: string): Promise<void> {
  const { playThrough } = await import('../lessons/play-through.ts')
  const { pageListener } = await import('./lesson-terminal.ts')
  if (output !== 'json')
    process.stdout.write(`${paint('bold', `Lesson ${play.lesson.number}: ${play.lesson.title}`)}\n`)
  const played = await playThrough(play, output === 'json' ? {} : pageListener())
  if (output === 'json') print('json', played, () => '')
  else if (played.faults.length > 0) process.stderr.write(faultsText(played))
  if (played.faults.length > 0) process.exitCode = 1
}

const faultsText = ({ faults }: PlayedThrough): string =>
  `\nnot as the page says:\n${faults.map(fault => `- ${fault}\n`).join('')}`

/** A lesson that is broken off leaves no cluster and no folder behind. An interrupt is the learner's, for what he runs. */
function endOnSignals(play: AsyncDisposable, isAsking: boolean): void {
  const end = (): void => void Promise.resolve(play[Symbol.asyncDispose]()).then(() => process.exit(1))
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, end)
  process.on('SIGINT', isAsking ? () => {} : end)
}
