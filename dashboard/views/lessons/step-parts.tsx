// What a step consists of: prose, files that lie ready, and commands with a button that runs them one after another.

import { useState } from 'react'
import type { Commands, Part } from '../../../src/lessons/lesson.ts'
import type { CommandRan } from '../../../src/lessons/lesson-page.ts'
import { postJson } from '../../api/requests.ts'
import { did } from '../../page/did.ts'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Preformatted } from '../../parts/preformatted.tsx'
import { lessonsPath } from './lessons-view.tsx'
import { Prose } from './prose.tsx'

interface Props {
  readonly lesson: number
  readonly step: number
  readonly parts: readonly Part[]
  readonly isPlaying: boolean
}

export function StepParts({ lesson, step, parts, isPlaying }: Props) {
  return parts.map((part, index) => {
    if (part.type === 'prose') return <Prose key={index} text={part.text} />
    if (part.type === 'file')
      return (
        <figure key={index} className="lesson-file">
          <figcaption>
            {part.name} <CopyButton text={part.text} label={`Copy ${part.name}`} />
          </figcaption>
          <Preformatted>{part.text}</Preformatted>
        </figure>
      )
    return (
      <CommandBlock
        key={index}
        block={part}
        path={`${lessonsPath}/${lesson}/run`}
        at={{ step, part: index }}
        isPlaying={isPlaying}
      />
    )
  })
}

interface BlockProps {
  readonly block: Commands
  readonly path: string
  readonly at: { readonly step: number; readonly part: number }
  readonly isPlaying: boolean
}

function CommandBlock({ block, path, at, isPlaying }: BlockProps) {
  const [ran, setRan] = useState<readonly CommandRan[]>([])
  const [running, setRunning] = useState<number>()
  const [refusal, setRefusal] = useState<string>()
  const run = async (): Promise<void> => {
    setRan([])
    setRefusal(undefined)
    try {
      for (const [command, { text }] of block.commands.entries()) {
        setRunning(command)
        const done = await postJson<CommandRan>(path, { ...at, command })
        setRan(before => [...before, done])
        did(text, done.code === 0 ? 'done' : `exit code ${done.code}`, done.code !== 0 && !block.fails)
        if (done.code !== 0) break
      }
    } catch (error) {
      setRefusal((error as Error).message)
    } finally {
      setRunning(undefined)
    }
  }
  const fault = ran.at(-1)?.fault
  return (
    <div className="lesson-commands">
      <button
        type="button"
        className={ran.length === 0 ? 'main' : ''}
        disabled={!isPlaying || running !== undefined}
        title={isPlaying ? undefined : 'Begin the lesson first'}
        onClick={() => void run()}
      >
        {running !== undefined ? 'Running…' : ran.length === 0 ? 'Run' : 'Run again'}
      </button>
      <ol>
        {block.commands.map(({ text }, index) => (
          <li key={index} aria-busy={running === index}>
            <code>{text}</code>
            {ran[index]?.output && <Preformatted>{ran[index].output}</Preformatted>}
          </li>
        ))}
      </ol>
      {refusal && (
        <p className="refusal" role="alert">
          {refusal}
        </p>
      )}
      {fault && (
        <p className="refusal" role="status">
          The lesson expected something else here: {fault.split('\n')[0]} Perhaps a step before was left out; End the
          lesson and begin again to have it as it was.
        </p>
      )}
    </div>
  )
}
