// Where the lessons stand: docs/lessons/ of this package, in the repository as when installed. Lists them and takes one out.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UserError } from '../cli/output.ts'
import { type Lesson, LessonError } from './lesson.ts'
import { parseLesson } from './parse.ts'

/** Where package.json, bin/ and docs/ are. */
export function packageFolder(): string {
  // From dist/ when built, from src/lessons/ in tests.
  const folders = ['..', '../..'].map(up => fileURLToPath(new URL(up, import.meta.url)))
  return folders.find(folder => existsSync(join(folder, 'package.json')))!
}

/** By number. Throws LessonError, naming the file. */
export function allLessons(folder = join(packageFolder(), 'docs', 'lessons')): Lesson[] {
  return readdirSync(folder)
    .filter(file => /^\d+-.*\.md$/.test(file))
    .sort((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10))
    .map(file => {
      try {
        return parseLesson(file, readFileSync(join(folder, file), 'utf8'))
      } catch (error) {
        if (!(error instanceof LessonError)) throw error
        throw new Error(`docs/lessons/${file}, ${error.message}`, { cause: error })
      }
    })
}

/** `7` or `probes`. Throws UserError. */
export function lessonCalled(words: string, lessons: readonly Lesson[]): Lesson {
  const found = lessons.find(({ number, name }) => String(number) === words.replace(/^0+/, '') || name === words)
  if (found === undefined)
    throw new UserError(`there is no lesson "${words}": "kubesim lesson" lists ${lessons.length} of them`)
  return found
}
