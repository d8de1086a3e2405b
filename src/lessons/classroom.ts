// The lessons as the dashboard's page plays them, in the API server's process, which the user has started on his machine: which
// there are, and those being played, each in its own cluster with a dashboard of its own to look into it. Called by own/lessons.ts.

import { ApiError } from '../api/errors.ts'
import { openDashboard } from '../dashboard/listener.ts'
import type { Lesson } from './lesson.ts'
import { startLessonCluster } from './lesson-cluster.ts'
import type { LessonHeading, LessonPage, Playing } from './lesson-page.ts'
import { Play } from './play.ts'
import { progressText, readProgress } from './progress.ts'
import { Seat } from './seat.ts'
import { allLessons } from './shelf.ts'

export class Classroom {
  readonly #seats = new Map<number, Promise<Seat>>()
  #lessons: readonly Lesson[] | undefined

  list(): LessonHeading[] {
    const progress = readProgress()
    return this.#all().map(lesson => headingOf(lesson, progress))
  }

  /** Throws ApiError, as all that follow. */
  async page(number: number): Promise<LessonPage> {
    const lesson = this.#lesson(number)
    const { introduction, steps, questions } = lesson
    const seat = await this.#seats.get(number)
    return {
      ...headingOf(lesson, readProgress()),
      introduction,
      steps,
      questions: questions.map(({ kind, ask, hints }) => ({ kind, ask, hints })),
      ...(seat === undefined ? {} : { playing: seat.playing }),
    }
  }

  /** Begins the lesson, or finds it begun. */
  async start(number: number): Promise<Playing> {
    const lesson = this.#lesson(number)
    let seat = this.#seats.get(number)
    if (seat === undefined) {
      seat = sitDown(lesson)
      this.#seats.set(number, seat)
    }
    try {
      return (await seat).playing
    } catch (error) {
      this.#seats.delete(number)
      throw new ApiError('Conflict', (error as Error).message)
    }
  }

  async seat(number: number): Promise<Seat> {
    const seat = await this.#seats.get(this.#lesson(number).number)
    if (seat === undefined) throw new ApiError('Conflict', `lesson ${number} has not been begun`)
    return seat
  }

  async end(number: number): Promise<void> {
    const seat = await this.seat(number)
    this.#seats.delete(number)
    await seat.close()
  }

  /** This process ends, and every lesson in it. */
  async close(): Promise<void> {
    const seats = [...this.#seats.values()]
    this.#seats.clear()
    for (const seat of seats) await (await seat.catch(() => undefined))?.close()
  }

  #lesson(number: number): Lesson {
    const lesson = this.#all().find(each => each.number === number)
    if (lesson === undefined) throw new ApiError('NotFound', `there is no lesson ${number}`)
    return lesson
  }

  #all(): readonly Lesson[] {
    this.#lessons ??= allLessons()
    return this.#lessons
  }
}

function headingOf(lesson: Lesson, all: ReturnType<typeof readProgress>): LessonHeading {
  const { number, name, title, minutes } = lesson
  return { number, name, title, minutes, progress: progressText(lesson, all[name]) }
}

async function sitDown(lesson: Lesson): Promise<Seat> {
  const cluster = await startLessonCluster(lesson)
  const dashboard = await openDashboard({ access: cluster.access, port: 0, dataDir: cluster.dataDir })
  const own = {
    ...cluster,
    async [Symbol.asyncDispose]() {
      dashboard.close()
      await cluster[Symbol.asyncDispose]()
    },
  }
  const { kubeconfig, dataDir, folder } = cluster
  return new Seat(new Play(lesson, own), { dashboard: dashboard.url, kubeconfig, dataDir, folder })
}
