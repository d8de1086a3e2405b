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
  describe.skipIf(noKubectl).concurrent(`the lessons${noKubectl ? ` (skipped: ${noKubectl})` : ''}`, () => {
    for (const lesson of allLessons().filter(isMine)) {
      test(`${lesson.number}: ${lesson.title}`, { timeout: 120_000 }, async () => {
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
