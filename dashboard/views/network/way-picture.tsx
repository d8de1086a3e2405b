// The picture of a request's way, from left to right. What was not taken is pale; where it ended stands in its colour. The same in
// words is in the table below it.

import { useEffect, useRef, useState } from 'react'
import type { Way } from './way.ts'

export function WayPicture({ way, openPolicy }: { readonly way: Way; readonly openPolicy: (name: string) => void }) {
  const board = useRef<HTMLDivElement>(null)
  const { from, names, table, endpoints, policy, end, outcome } = way
  const isOver = policy !== undefined || table?.isRefused || end === undefined
  return (
    <div className="way" ref={board} role="group" aria-label={`The way of the request: ${outcome.text}`}>
      <Lines board={board} way={way} />
      <div className="way-column">
        <Box name="from" title={from} text="sends the request" />
        {names.length > 0 && (
          <div className="way-box" data-box="names" data-bad={!names.some(({ isFound }) => isFound) || undefined}>
            <b>Name server</b>
            <ul>
              {names.map(({ asked, said }) => (
                <li key={asked}>
                  <code>{asked}</code> {said}
                </li>
              ))}
            </ul>
          </div>
        )}
      </div>
      {table && (
        <div className="way-column">
          <div className="way-box" data-box="table" data-bad={table.isRefused || undefined}>
            <b>Proxy table of {table.at.replace(/^node /, '')}</b>
            <p>{table.service ? <code>{table.service}</code> : table.what}</p>
            {table.isRefused && <p>{table.what}</p>}
          </div>
        </div>
      )}
      {endpoints.length > 0 && (
        <div className="way-column">
          {endpoints.map(({ address, name, isChosen }) => (
            <div
              key={address}
              className="way-box"
              data-box={isChosen ? 'chosen' : `not ${address}`}
              data-pale={!isChosen || undefined}
            >
              <b>{name}</b>
              <p>
                <code>{address}</code>
                {isChosen ? ' chosen' : ''}
              </p>
            </div>
          ))}
        </div>
      )}
      {policy && (
        <div className="way-column">
          <div className="way-box" data-box="policy" data-bad>
            <b>NetworkPolicy {policy.policy}</b>
            <p>{policy.what}</p>
            <button type="button" onClick={() => openPolicy(policy.policy)}>
              Open the policy
            </button>
          </div>
        </div>
      )}
      <div className="way-column">
        <div
          className="way-box"
          data-box="end"
          data-bad={!outcome.isGood || undefined}
          data-good={outcome.isGood || undefined}
        >
          <b>{isOver ? (end?.at ?? 'Nobody') : end.at}</b>
          <p>{end?.what ?? 'the request does not get there'}</p>
          <p className="way-outcome">{outcome.text}</p>
        </div>
      </div>
    </div>
  )
}

function Box({ name, title, text }: { readonly name: string; readonly title: string; readonly text: string }) {
  return (
    <div className="way-box" data-box={name}>
      <b>{title}</b>
      <p>{text}</p>
    </div>
  )
}

interface Line {
  readonly path: string
  readonly tone: 'taken' | 'pale' | 'bad'
}

function Lines({ board, way }: { readonly board: React.RefObject<HTMLDivElement | null>; readonly way: Way }) {
  const [lines, setLines] = useState<readonly Line[]>([])
  // Told at once of the size that there is.
  useEffect(() => {
    const observer = new ResizeObserver(() => board.current && setLines(linesOf(board.current, way)))
    observer.observe(board.current!)
    return () => observer.disconnect()
  }, [board, way])
  return (
    <svg className="way-lines" aria-hidden="true" focusable="false">
      {lines.map(({ path, tone }) => (
        <path key={path} d={path} data-tone={tone} />
      ))}
    </svg>
  )
}

function linesOf(board: HTMLElement, { names, table, endpoints, policy, outcome }: Way): Line[] {
  const frame = board.getBoundingClientRect()
  const box = (name: string) => {
    const found = board.querySelector<HTMLElement>(`[data-box="${CSS.escape(name)}"]`)?.getBoundingClientRect()
    return (
      found && {
        left: found.left - frame.left + board.scrollLeft,
        right: found.right - frame.left + board.scrollLeft,
        middle: (found.top + found.bottom) / 2 - frame.top,
        top: found.top - frame.top,
        bottom: found.bottom - frame.top,
        centre: (found.left + found.right) / 2 - frame.left + board.scrollLeft,
      }
    )
  }
  const line = (from: string, to: string, tone: Line['tone']): Line[] => {
    const [one, other] = [box(from), box(to)]
    if (!one || !other) return []
    const half = (one.right + other.left) / 2
    const path = `M${one.right} ${one.middle}C${half} ${one.middle} ${half} ${other.middle} ${other.left} ${other.middle}`
    return [{ path, tone }]
  }
  const down = (from: string, to: string): Line[] => {
    const [one, other] = [box(from), box(to)]
    return one && other ? [{ path: `M${one.centre} ${one.bottom}V${other.top}`, tone: 'taken' }] : []
  }
  const chosen = endpoints.some(({ isChosen }) => isChosen) ? 'chosen' : undefined
  const stops = ['from', table && 'table', chosen, policy && 'policy'].filter(each => each !== undefined)
  const last = stops.at(-1)!
  return [
    ...(names.length > 0 ? down('from', 'names') : []),
    ...stops.slice(1).flatMap((stop, at) => line(stops[at]!, stop, stop === 'policy' ? 'bad' : 'taken')),
    ...endpoints.filter(({ isChosen }) => !isChosen).flatMap(({ address }) => line('table', `not ${address}`, 'pale')),
    ...line(last, 'end', outcome.isGood ? 'taken' : policy ? 'pale' : 'bad'),
  ]
}
