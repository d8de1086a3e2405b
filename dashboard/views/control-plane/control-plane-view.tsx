// The control plane at work: its stations, what travels between them as it does, and what each waits for. It can be slowed down,
// stepped, and taken apart: a switch stops a station and starts it again.

import { type FormEvent, useCallback, useEffect, useRef, useState } from 'react'
import type { ControlPlane, Station } from '../../../src/own/control-plane.ts'
import { useResources } from '../../api/discovery.ts'
import { getJson } from '../../api/requests.ts'
import { fullName, type Reference, type Resource, readReference, writeReference } from '../../api/resources.ts'
import { turnClock, useClock } from '../../page/clock.ts'
import { did } from '../../page/did.ts'
import { go, usePlace } from '../../page/place.ts'
import { useShortcut } from '../../page/shortcuts.ts'
import { placeWords } from './passed-words.ts'
import { type Batch, type Numbered, usePassing } from './passing.ts'
import { Picture } from './picture.tsx'
import { turnNode, turnStation } from './stopping.ts'
import { light, sendDot } from './travel.ts'
import { TravelLog } from './travel-log.tsx'
import { wayOf } from './travel-way.ts'
import './control-plane.css'

const path = '/kubesim/v1alpha1/control-plane'
/** Sentences that are kept. */
const mostKept = 200
const paces = [
  { perSecond: 0, title: 'as it happens' },
  { perSecond: 5, title: '5 a second' },
  { perSecond: 1, title: '1 a second' },
] as const

export function ControlPlaneView() {
  const { at } = usePlace()
  if (at !== undefined) {
    return (
      <p className="empty">
        What travels is of the present only.{' '}
        <button type="button" onClick={() => go({ at: undefined })}>
          Back to the present
        </button>{' '}
        The timeline tells what happened then.
      </p>
    )
  }
  return <LiveControlPlane />
}

function LiveControlPlane() {
  const { own } = usePlace()
  const { state, error, look } = useControlPlane()
  const board = useRef<HTMLDivElement>(null)
  const [kept, setKept] = useState<{
    readonly passed: readonly Numbered[]
    readonly missed: number
    readonly behind: number
  }>({
    passed: [],
    missed: 0,
    behind: 0,
  })
  const followed = readReference(own.of)
  const chosen = own.station
  const pace = Number(own.pace ?? 0)
  const names = useRef<ReadonlySet<string>>(new Set())
  names.current = new Set(state?.stations.map(({ name }) => name))
  usePassing(streamPath(followed, chosen), pace, ({ passed, missed, behind }: Batch) => {
    const shown = board.current
    if (shown) {
      for (const each of passed) {
        const way = wayOf(each, name => names.current.has(name))
        if (way) sendDot(shown, way)
        light(shown, each.station, each.step === 'refusal' || (each.step === 'done' && each.message !== undefined))
        if (each.node) light(shown, `node/${each.node}`, false)
      }
    }
    setKept(before => ({
      passed: [...passed].reverse().concat(before.passed).slice(0, mostKept),
      missed: before.missed + missed,
      behind,
    }))
    look()
  })
  const change = (words: Record<string, string>) => go({ own: { ...own, ...words } }, 'replace')
  const choose = useCallback(
    (name: string) => go({ own: { ...own, station: own.station === name ? '' : name } }, 'replace'),
    [own],
  )
  const turn = useCallback(
    (station: Station) => {
      void turnStation(station).then(() => look(true))
    },
    [look],
  )
  return (
    <div className="control-plane">
      <div className="toolbar">
        <h2 className="hidden">Control plane</h2>
        <FollowField followed={followed} />
        {chosen && (
          <button type="button" aria-label={`No longer only ${chosen}`} onClick={() => change({ station: '' })}>
            only {chosen} ×
          </button>
        )}
        <span className="header-gap" />
        <StepButton done={() => look(true)} />
        <label className="field">
          <span>Shown</span>
          <select value={pace} onChange={event => change({ pace: event.target.value })}>
            {paces.map(({ perSecond, title }) => (
              <option key={perSecond} value={perSecond}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <label className="check">
          <input
            type="checkbox"
            checked={own.stations === 'all'}
            onChange={event => change({ stations: event.target.checked ? 'all' : '' })}
          />
          all stations
        </label>
      </div>
      {error && <p className="empty refusal">{error}</p>}
      <div className="control-plane-body">
        {state && (
          <Picture
            board={board}
            state={state}
            chosen={chosen}
            showAll={own.stations === 'all'}
            choose={choose}
            turn={turn}
            turnNode={node => void turnNode(node).then(() => look(true))}
          />
        )}
        <TravelLog {...kept} />
      </div>
    </div>
  )
}

function streamPath(followed: Reference | undefined, station: string | undefined): string {
  const words = new URLSearchParams({ watch: '1' })
  if (followed) {
    words.set('resource', followed.resource)
    if (followed.namespace) words.set('namespace', followed.namespace)
    words.set('name', followed.name)
  }
  if (station) words.set('station', station)
  return `${path}/events?${words}`
}

/** Asked for when the view opens, soon after something has passed, and now and then, since what waits makes no noise. */
function useControlPlane() {
  const [state, setState] = useState<ControlPlane>()
  const [error, setError] = useState<string>()
  const timer = useRef<number>(undefined)
  const ask = useCallback(async () => {
    timer.current = undefined
    try {
      setState(await getJson<ControlPlane>(path))
      setError(undefined)
    } catch (refusal) {
      setError((refusal as Error).message)
    }
  }, [])
  const look = useCallback(
    (atOnce = false) => {
      if (atOnce) {
        clearTimeout(timer.current)
        timer.current = undefined
      }
      timer.current ??= window.setTimeout(() => void ask(), atOnce ? 0 : 400)
    },
    [ask],
  )
  useEffect(() => {
    look(true)
    const every = setInterval(() => {
      if (!document.hidden) look()
    }, 3_000)
    return () => {
      clearInterval(every)
      clearTimeout(timer.current)
      timer.current = undefined
    }
  }, [look])
  return { state, error, look }
}

function StepButton({ done }: { readonly done: () => void }) {
  const clock = useClock()
  const step = async (): Promise<void> => {
    try {
      await turnClock('step')
      did('kubesim clock step')
    } catch (error) {
      did('kubesim clock step', (error as Error).message, true)
    }
    done()
  }
  return (
    <>
      {clock?.paused && <span className="badge badge-warn">{clock.waiting.length} wait</span>}
      <button
        type="button"
        onClick={() => void step()}
        title="One reconcile, one binding, one stage of a pod; then the cluster stands still"
      >
        Step
      </button>
    </>
  )
}

function FollowField({ followed }: { readonly followed: Reference | undefined }) {
  const { own, object, namespace } = usePlace()
  const resources = useResources()
  const [words, setWords] = useState('')
  const [refusal, setRefusal] = useState<string>()
  const [input, setInput] = useState<HTMLInputElement | null>(null)
  useShortcut('/', 'follow an object', () => input?.focus())
  const follow = (reference: Reference | undefined) =>
    go({ own: { ...own, of: reference ? writeReference(reference) : '' } }, 'replace')
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const found = referenceIn(words, resources, namespace)
    setRefusal(found === undefined ? `"${words}" is no object: deployment/web` : undefined)
    if (found) {
      follow(found)
      setWords('')
    }
  }
  const open = readReference(object)
  if (followed) {
    return (
      <button type="button" aria-label="Follow everything again" onClick={() => follow(undefined)}>
        following {placeWords(followed)} and what it brings about ×
      </button>
    )
  }
  return (
    <form className="field" onSubmit={submit}>
      <input
        ref={setInput}
        value={words}
        onChange={event => setWords(event.target.value)}
        placeholder="Follow an object: deployment/web"
        aria-label="Follow an object"
        disabled={resources === undefined}
        aria-invalid={refusal !== undefined}
        size={30}
        spellCheck={false}
      />
      {open && (
        <button type="button" onClick={() => follow(open)}>
          Follow {open.name}
        </button>
      )}
      {refusal && (
        <small role="alert" className="refusal">
          {refusal}
        </small>
      )}
    </form>
  )
}

/** `deploy/web`, in the namespace that is shown. */
function referenceIn(
  words: string,
  resources: ReadonlyMap<string, Resource> | undefined,
  namespace: string,
): Reference | undefined {
  const [, type = '', name] = /^\s*([^\s/]+)[\s/]+([^\s/]+)\s*$/.exec(words) ?? []
  const wanted = type.toLowerCase()
  const resource = [...(resources?.values() ?? [])].find(
    each =>
      fullName(each) === wanted ||
      each.resource === wanted ||
      each.kind.toLowerCase() === wanted ||
      each.shortNames?.includes(wanted),
  )
  if (resource === undefined || name === undefined) return undefined
  return { resource: fullName(resource), ...(resource.namespaced ? { namespace: namespace || 'default' } : {}), name }
}
