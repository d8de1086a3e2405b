// One stop of the Tab key for many things, and arrows among them: tiles, rows, tabs. The things are the elements inside that have
// `data-roving`; they are drawn with tabIndex -1, and this makes one of them the stop.

import { type KeyboardEvent, useEffect, useRef } from 'react'

const things = '[data-roving]'

export function useRoving<E extends HTMLElement>() {
  const inside = useRef<E>(null)
  // After every drawing: the stop may have gone.
  useEffect(() => {
    const all = inside.current
    if (all && !all.querySelector(`${things}[tabindex="0"]`)) all.querySelector(things)?.setAttribute('tabindex', '0')
  })
  const onFocus = (event: { target: EventTarget }): void => {
    const target = (event.target as HTMLElement).closest<HTMLElement>(things)
    if (target === null || target.tabIndex === 0) return
    for (const other of inside.current?.querySelectorAll(`${things}[tabindex="0"]`) ?? [])
      other.setAttribute('tabindex', '-1')
    target.tabIndex = 0
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const from = (event.target as HTMLElement).closest<HTMLElement>(things)
    if (from === null || event.altKey || event.ctrlKey || event.metaKey) return
    const all = [...(inside.current?.querySelectorAll<HTMLElement>(things) ?? [])]
    const to = target(all, from, event.key)
    if (to === undefined) return
    event.preventDefault()
    to.focus()
    to.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }
  return { ref: inside, onFocus, onKeyDown }
}

function target(all: readonly HTMLElement[], from: HTMLElement, key: string): HTMLElement | undefined {
  const at = all.indexOf(from)
  if (key === 'ArrowRight') return all[at + 1]
  if (key === 'ArrowLeft') return all[at - 1]
  if (key === 'Home') return all[0]
  if (key === 'End') return all.at(-1)
  if (key === 'ArrowDown' || key === 'ArrowUp') return nearest(all, from, key === 'ArrowDown' ? 1 : -1)
  return undefined
}

/** The one in the next line, up or down, that stands nearest. */
function nearest(all: readonly HTMLElement[], from: HTMLElement, direction: 1 | -1): HTMLElement | undefined {
  const here = from.getBoundingClientRect()
  let found: HTMLElement | undefined
  let least = Number.POSITIVE_INFINITY
  for (const each of all) {
    const there = each.getBoundingClientRect()
    const down = direction * (there.top - here.top)
    if (down < here.height / 2) continue
    const distance = down * 10 + Math.abs(there.left + there.width / 2 - here.left - here.width / 2)
    if (distance < least) [least, found] = [distance, each]
  }
  return found
}
