// A container's log, followed: the last lines first, then what comes. Only the lines in sight are drawn.

import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { Pod } from '../../generated/types.ts'
import { lines } from '../api/lines.ts'
import { send } from '../api/requests.ts'
import { objectPath } from '../api/resources.ts'
import { did, namespaceFlag } from '../page/did.ts'
import { SearchField } from '../parts/search-field.tsx'
import { ContainerChoice, containersOf } from './container-choice.tsx'
import type { ObjectTabProps } from './object-panel.tsx'

const first = 500
const most = 10_000
const lineHeight = 18
const again = 1_000

export function LogsTab({ object, resource, reference }: ObjectTabProps) {
  const pod = object as unknown as Pod
  const [container, setContainer] = useState(containersOf(pod)[0] ?? '')
  const [isPrevious, setPrevious] = useState(false)
  const [isFollowing, setFollowing] = useState(true)
  const [words, setWords] = useState('')
  const log = useLog(`${objectPath(resource, reference)}/log`, container, isPrevious, isFollowing)
  const shown = useMemo(() => (words ? log.lines.filter(line => line.includes(words)) : log.lines), [log.lines, words])
  useEffect(() => {
    const flags = `${isFollowing ? ' -f' : ''}${isPrevious ? ' --previous' : ''}`
    did(`kubectl logs ${reference.name} -c ${container}${namespaceFlag(reference.namespace)} --tail=${first}${flags}`)
  }, [reference, container, isPrevious, isFollowing])
  return (
    <>
      <div className="object-tools">
        <ContainerChoice pod={pod} chosen={container} choose={setContainer} />
        <label className="check">
          <input type="checkbox" checked={isFollowing} onChange={event => setFollowing(event.target.checked)} />
          follow
        </label>
        <label className="check">
          <input type="checkbox" checked={isPrevious} onChange={event => setPrevious(event.target.checked)} />
          before its restart
        </label>
        <SearchField label="Only lines with" words={words} onWords={setWords} size={14} />
      </div>
      {log.refusal && (
        <p className="empty refusal" role="alert">
          {log.refusal}
        </p>
      )}
      {!log.refusal && shown.length === 0 && (
        <p className="empty">{words ? 'No line has these words.' : 'It has said nothing yet.'}</p>
      )}
      <Lines lines={shown} />
    </>
  )
}

function Lines({ lines: shown }: { readonly lines: readonly string[] }) {
  const box = useRef<HTMLDivElement>(null)
  const isAtEnd = useRef(true)
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => box.current,
    estimateSize: () => lineHeight,
    overscan: 30,
  })
  useEffect(() => {
    if (isAtEnd.current && shown.length > 0) virtual.scrollToIndex(shown.length - 1, { align: 'end' })
  }, [shown, virtual])
  return (
    <div
      ref={box}
      className="log"
      role="log"
      aria-label="Log"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled by keys.
      tabIndex={0}
      onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
        isAtEnd.current = scrollTop + clientHeight > scrollHeight - 2 * lineHeight
      }}
    >
      <div style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => (
          <div key={index} style={{ transform: `translateY(${start}px)` }}>
            {shown[index]}
          </div>
        ))}
      </div>
    </div>
  )
}

interface Log {
  readonly lines: readonly string[]
  readonly refusal: string | undefined
}

const nothing: Log = { lines: [], refusal: undefined }

/** A log that ends while its container is to run again is gone on with; one that is refused is asked for again, as the pod may be starting. */
function useLog(path: string, container: string, isPrevious: boolean, isFollowing: boolean): Log {
  const [log, setLog] = useState<Log>(nothing)
  useEffect(() => {
    setLog(nothing)
    const leaving = new AbortController()
    const { signal } = leaving
    let all: string[] = []
    let frame = 0
    const tell = (): void => {
      frame = 0
      setLog({ lines: all, refusal: undefined })
    }
    const add = (line: string): void => {
      all = [...all.slice(all.length >= most ? most / 10 : 0)]
      all.push(line)
    }
    const read = async (tail: number, since: string | undefined): Promise<void> => {
      const words = new URLSearchParams({ container, follow: String(isFollowing), previous: String(isPrevious) })
      if (since === undefined) words.set('tailLines', String(tail))
      else words.set('sinceTime', since)
      for await (const line of lines(await send(`${path}?${words}`, { accept: '*/*', signal }))) {
        if (signal.aborted) return
        add(line)
        frame ||= requestAnimationFrame(tell)
      }
    }
    const run = async (): Promise<void> => {
      let since: string | undefined
      while (!signal.aborted) {
        try {
          const begun = new Date().toISOString()
          await read(first, since)
          if (!isFollowing || isPrevious) return
          since = begun
        } catch (error) {
          if (signal.aborted) return
          setLog({ lines: all, refusal: (error as Error).message })
          if (isPrevious) return
        }
        await new Promise(resolve => setTimeout(resolve, again))
      }
    }
    void run()
    return () => {
      leaving.abort()
      cancelAnimationFrame(frame)
    }
  }, [path, container, isPrevious, isFollowing])
  return log
}
