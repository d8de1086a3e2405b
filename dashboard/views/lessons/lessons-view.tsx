// The lessons: a list, and one of them, step by step, in a cluster of its own. The page says which command of the lesson is to run;
// the API server's process runs it.

import { useCallback, useEffect, useState } from 'react'
import type { LessonHeading, LessonPage } from '../../../src/lessons/lesson-page.ts'
import { getJson } from '../../api/requests.ts'
import { did } from '../../page/did.ts'
import { go, usePlace } from '../../page/place.ts'
import { LessonPlayer } from './lesson-player.tsx'
import './lessons.css'

export const lessonsPath = '/kubesim/v1alpha1/lessons'

export function LessonsView() {
  const { own } = usePlace()
  const number = Number(own.lesson)
  return number > 0 ? <OneLesson key={number} number={number} /> : <LessonList />
}

function LessonList() {
  const [lessons, setLessons] = useState<readonly LessonHeading[]>()
  const [refusal, setRefusal] = useState<string>()
  useEffect(() => {
    did('kubesim lesson')
    getJson<{ items: LessonHeading[] }>(lessonsPath).then(
      ({ items }) => setLessons(items),
      error => setRefusal((error as Error).message),
    )
  }, [])
  if (refusal) return <Refusal text={refusal} />
  if (lessons === undefined) return <p className="loading">Fetching the lessons…</p>
  return (
    <div className="lessons">
      <h2>Lessons</h2>
      <p className="lessons-about">
        How a cluster works, by doing it. Each lesson is played in a cluster of its own, which is gone when it ends:
        nothing of this one is touched.
      </p>
      <ol className="lesson-list">
        {lessons.map(({ number, title, minutes, progress }) => (
          <li key={number}>
            <button type="button" className="quiet" onClick={() => go({ own: { lesson: String(number) } })}>
              <b>{number}</b>
              <span>{title}</span>
              {progress && <span className={`badge ${progress === 'done' ? 'badge-good' : ''}`}>{progress}</span>}
              <small>{minutes} min</small>
            </button>
          </li>
        ))}
      </ol>
    </div>
  )
}

function OneLesson({ number }: { readonly number: number }) {
  const [lesson, setLesson] = useState<LessonPage>()
  const [refusal, setRefusal] = useState<string>()
  const ask = useCallback(
    () =>
      getJson<LessonPage>(`${lessonsPath}/${number}`).then(setLesson, error => setRefusal((error as Error).message)),
    [number],
  )
  useEffect(() => {
    did(`kubesim lesson ${number}`)
    void ask()
  }, [number, ask])
  if (refusal) return <Refusal text={refusal} />
  if (lesson === undefined) return <p className="loading">Fetching the lesson…</p>
  return <LessonPlayer lesson={lesson} askAgain={ask} />
}

const Refusal = ({ text }: { readonly text: string }) => (
  <p className="empty refusal" role="alert">
    {text}
  </p>
)
