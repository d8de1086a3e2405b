// One lesson: begun and ended, its steps one after another, and the questions at the end.

import { useState } from 'react'
import type { LessonPage } from '../../../src/lessons/lesson-page.ts'
import { postJson } from '../../api/requests.ts'
import { did } from '../../page/did.ts'
import { go, usePlace } from '../../page/place.ts'
import { Preformatted } from '../../parts/preformatted.tsx'
import { lessonsPath } from './lessons-view.tsx'
import { Prose } from './prose.tsx'
import { QuestionCard } from './question-card.tsx'
import { StepParts } from './step-parts.tsx'

interface Props {
  readonly lesson: LessonPage
  /** Fetches the lesson anew. */
  askAgain(): Promise<unknown>
}

export function LessonPlayer({ lesson, askAgain }: Props) {
  const { number, title, steps, questions, introduction, playing } = lesson
  const { own } = usePlace()
  const [isBusy, setBusy] = useState(false)
  const [refusal, setRefusal] = useState<string>()
  const pages = [...steps.map(each => each.title), 'Questions']
  const shown = Math.min(Number(own.step ?? 0) || 0, pages.length - 1)
  const show = (page: number): void => go({ own: { lesson: String(number), step: String(page) } })
  const act = async (verb: 'start' | 'end'): Promise<void> => {
    setBusy(true)
    setRefusal(undefined)
    try {
      await postJson(`${lessonsPath}/${number}/${verb}`)
      if (verb === 'start') did(`kubesim lesson ${number}`, 'its cluster is ready')
      await askAgain()
    } catch (error) {
      setRefusal((error as Error).message)
    } finally {
      setBusy(false)
    }
  }
  return (
    <div className="lesson">
      <div className="toolbar">
        <button type="button" onClick={() => go({ own: {} })}>
          All lessons
        </button>
        <h2>
          {number} · {title}
        </h2>
        {playing ? (
          <>
            <a className="button" href={playing.dashboard} target="_blank" rel="noreferrer">
              See its cluster
            </a>
            <button type="button" disabled={isBusy} onClick={() => void act('end')}>
              End the lesson
            </button>
          </>
        ) : (
          <button type="button" className="main" disabled={isBusy} onClick={() => void act('start')}>
            {isBusy ? 'Starting its cluster…' : 'Begin'}
          </button>
        )}
      </div>
      {refusal && (
        <p className="empty refusal" role="alert">
          {refusal}
        </p>
      )}
      <div className="lesson-body">
        <nav aria-label="Steps">
          <ol>
            {pages.map((page, index) => (
              <li key={page}>
                <button
                  type="button"
                  className="quiet"
                  aria-current={index === shown ? 'step' : undefined}
                  onClick={() => show(index)}
                >
                  {page}
                </button>
              </li>
            ))}
          </ol>
        </nav>
        <article>
          {shown === 0 && <Prose text={introduction} />}
          {/* All steps stay, so that what was printed does. */}
          {steps.map((step, index) => (
            <section key={step.title} hidden={index !== shown} aria-label={step.title}>
              <h3>{step.title}</h3>
              <StepParts lesson={number} step={index} parts={step.parts} isPlaying={playing !== undefined} />
            </section>
          ))}
          <section hidden={shown !== steps.length} aria-label="Questions">
            <h3>Questions</h3>
            {playing ? (
              <Elsewhere {...playing} />
            ) : (
              <p>Begin the lesson and walk through its steps: the cluster itself answers the questions.</p>
            )}
            {questions.map((question, index) => (
              <QuestionCard
                key={question.ask}
                lesson={number}
                number={index}
                question={question}
                isPlaying={playing !== undefined}
              />
            ))}
          </section>
          <div className="lesson-turn">
            <button type="button" disabled={shown === 0} onClick={() => show(shown - 1)}>
              Back
            </button>
            <button
              type="button"
              className="main"
              disabled={shown === pages.length - 1}
              onClick={() => show(shown + 1)}
            >
              Next
            </button>
          </div>
        </article>
      </div>
    </div>
  )
}

function Elsewhere({ folder, kubeconfig, dataDir, dashboard }: NonNullable<LessonPage['playing']>) {
  return (
    <div className="prose">
      <p>
        What is to be done you do in{' '}
        <a href={dashboard} target="_blank" rel="noreferrer">
          the page of the lesson's own cluster
        </a>
        , or in a terminal:
      </p>
      <Preformatted>{`cd ${folder}\nexport KUBECONFIG=${kubeconfig} KUBESIM_HOME=${dataDir}`}</Preformatted>
    </div>
  )
}
