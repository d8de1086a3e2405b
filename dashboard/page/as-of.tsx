// The cluster as it was: a field that takes a moment, and the bar that says so while the past is looked at. Every view then reads
// /at/REVISION, and nothing can be changed.

import { type FormEvent, useState } from 'react'
import type { RevisionAt } from '../../src/timeline.ts'
import { getJson } from '../api/requests.ts'
import { did } from './did.ts'
import { go, usePlace } from './place.ts'
import { useShortcut } from './shortcuts.ts'

/** `5m-ago`, a time, or a revision, as `kubesim timeline --at` takes it. Throws ApiError. */
export async function goBackTo(words: string): Promise<RevisionAt> {
  const found = await getJson<RevisionAt & { readonly present: number }>(
    `/kubesim/v1alpha1/revision?at=${encodeURIComponent(words)}`,
  )
  go({ at: found.revision })
  did(`kubesim timeline --at ${words}`)
  return found
}

export function AsOfField() {
  const { at } = usePlace()
  const [words, setWords] = useState('')
  const [refusal, setRefusal] = useState<string>()
  const [input, setInput] = useState<HTMLInputElement | null>(null)
  useShortcut('a', 'see the cluster as of an earlier moment', () => input?.focus())
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setRefusal(undefined)
    if (words.trim() === '' || words.trim() === 'now') return go({ at: undefined })
    try {
      await goBackTo(words.trim())
      setWords('')
    } catch (error) {
      setRefusal((error as Error).message)
    }
  }
  return (
    <form className="field as-of-field" onSubmit={submit}>
      <label>
        <span>As of</span>
        <input
          ref={setInput}
          value={words}
          onChange={event => setWords(event.target.value)}
          placeholder={at === undefined ? 'now' : `revision ${at}`}
          title="5m-ago, 2026-11-21T10:00:00Z, or a revision"
          aria-invalid={refusal !== undefined}
          aria-describedby={refusal === undefined ? undefined : 'as-of-refusal'}
          size={9}
          spellCheck={false}
          autoComplete="off"
        />
      </label>
      {refusal && (
        <p id="as-of-refusal" role="alert" className="field-refusal">
          {refusal}
        </p>
      )}
    </form>
  )
}

export function AsOfBar() {
  const { at } = usePlace()
  if (at === undefined) return null
  return (
    <div className="bar bar-past" role="status">
      <span>
        The cluster as it was at <b>revision {at}</b>. It can be looked at, not changed.
      </span>
      <button type="button" onClick={() => go({ at: undefined })}>
        Back to the present
      </button>
    </div>
  )
}
