// Plays lessons for the tests that share them out: `kubesim lesson N --all`, as a user would, with a HOME of its own.

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Lesson } from '../../src/lessons/lesson.ts'
import type { PlayedThrough } from '../../src/lessons/play-through.ts'
import { allLessons } from '../../src/lessons/shelf.ts'
import { noKubectl } from '../support/kubectl.ts'
import { kubesim } from '../support/server.ts'

/** What commands print is what the page shows; each question is not right before its solution, and right after. */
export function playLessons(isMine: (lesson: Lesson) => boolean): void {
  const room = new Room(mostAtOnce)
  describe.skipIf(noKubectl).concurrent(`the lessons${noKubectl ? ` (skipped: ${noKubectl})` : ''}`, () => {
    for (const lesson of allLessons().filter(isMine)) {
      test(`${lesson.number}: ${lesson.title}`, { timeout: 300_000 }, async () => {
        using _ = await room.enter()
        const home = mkdtempSync(join(tmpdir(), 'kubesim-lesson-'))
        try {
          const ran = await kubesim(home, 'lesson', lesson.name, '--all', '--output', 'json')
          const { faults, questions, steps } = JSON.parse(ran.stdout) as PlayedThrough
          expect(faults).toEqual([])
          expect(ran.code).toBe(0)
          expect(steps).toHaveLength(lesson.steps.length)
          expect(questions).toHaveLength(lesson.questions.length)
          expect(questions.map(({ before, after }) => [before.isRight, after.isRight])).toEqual(
            questions.map(() => [false, true]),
          )
          expect(existsSync(join(home, '.kubesim-lessons', `${lesson.number}-${lesson.name}`))).toBe(false)
          expect(existsSync(join(home, '.kube', 'config'))).toBe(false)
        } finally {
          rmSync(home, { recursive: true, force: true })
        }
      })
    }
  })
}

/** Half of a lesson is waiting; more at once than this only makes each slower. */
const mostAtOnce = 3

class Room {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(places: number) {
    this.#free = places
  }

  async enter(): Promise<Disposable> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    return {
      [Symbol.dispose]: () => {
        const next = this.#waiting.shift()
        if (next === undefined) this.#free++
        else next()
      },
    }
  }
}
