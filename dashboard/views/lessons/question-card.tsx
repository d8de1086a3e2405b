// A question of a lesson: an answer to be typed, or something to be brought about; looked up in the cluster when one says so.

import { type FormEvent, useState } from 'react'
import type { Checked, LessonPage, Shown } from '../../../src/lessons/lesson-page.ts'
import { postJson } from '../../api/requests.ts'
import { Preformatted } from '../../parts/preformatted.tsx'
import { lessonsPath } from './lessons-view.tsx'
import { InlineProse, Prose } from './prose.tsx'

interface Props {
  readonly lesson: number
  readonly number: number
  readonly question: LessonPage['questions'][number]
  readonly isPlaying: boolean
}

export function QuestionCard({ lesson, number, question: { kind, ask, hints }, isPlaying }: Props) {
  const [answer, setAnswer] = useState('')
  const [verdict, setVerdict] = useState<Checked>()
  const [shown, setShown] = useState<Shown>()
  const [hinted, setHinted] = useState(0)
  const [isBusy, setBusy] = useState(false)
  const [refusal, setRefusal] = useState<string>()
  const act = async (work: () => Promise<void>): Promise<void> => {
    setBusy(true)
    setRefusal(undefined)
    try {
      await work()
    } catch (error) {
      setRefusal((error as Error).message)
    } finally {
      setBusy(false)
    }
  }
  const check = (event: FormEvent): void => {
    event.preventDefault()
    void act(async () =>
      setVerdict(await postJson<Checked>(`${lessonsPath}/${lesson}/check`, { question: number, answer })),
    )
  }
  const solve = () =>
    act(async () => {
      setVerdict(undefined)
      setShown(await postJson<Shown>(`${lessonsPath}/${lesson}/solve`, { question: number }))
    })
  const why = verdict?.why ?? shown?.why
  return (
    <form className="question" onSubmit={check} aria-label={`Question ${number + 1}`}>
      <Prose text={ask} />
      <div className="question-tools">
        {kind === 'answer' && (
          <input
            aria-label="Your answer"
            value={answer}
            onChange={event => setAnswer(event.target.value)}
            autoComplete="off"
            spellCheck={false}
          />
        )}
        <button type="submit" className="main" disabled={!isPlaying || isBusy}>
          {isBusy ? 'Looking…' : 'Check'}
        </button>
        <button type="button" disabled={hinted >= hints.length} onClick={() => setHinted(hinted + 1)}>
          Hint
        </button>
        <button type="button" disabled={!isPlaying || isBusy} onClick={() => void solve()}>
          Show me
        </button>
      </div>
      {hints.slice(0, hinted).map(hint => (
        <p key={hint} className="question-hint">
          <InlineProse text={hint} />
        </p>
      ))}
      {shown?.ran.map(({ command, output }) => (
        <Preformatted key={command}>{`$ ${command}\n${output}`}</Preformatted>
      ))}
      <div role="status">
        {refusal && <p className="refusal">{refusal}</p>}
        {verdict && !verdict.isRight && (
          <p>
            <span className="badge badge-warn">not yet</span>{' '}
            {kind === 'task'
              ? `The cluster says “${verdict.found || 'nothing'}”.`
              : 'That is not what the cluster says.'}
          </p>
        )}
        {verdict?.isRight && <span className="badge badge-good">right</span>}
        {shown && kind === 'answer' && (
          <p>
            The answer is <code>{shown.found}</code>.
          </p>
        )}
        {why && <Prose text={why} />}
      </div>
    </form>
  )
}
