// The dots of the picture: each goes from one station to another and is gone. Drawn beside React, since there may be hundreds a
// second; more than some at once are not drawn, and who wants no motion sees none.

import type { Way } from './travel-way.ts'

const mostDots = 60
const duration = 700

export function sendDot(board: HTMLElement, way: Way): void {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches || document.hidden) return
  const layer = board.querySelector<HTMLElement>('.dots')
  const ends = endsOf(board, way.from, way.to)
  if (!layer || !ends || layer.childElementCount >= mostDots) return
  const dot = document.createElement('i')
  dot.className = `dot dot-${way.tone}`
  layer.append(dot)
  const at = ({ x, y }: Spot): string => `translate(${x}px, ${y}px)`
  const animation = dot.animate(
    [
      { transform: at(ends[0]), opacity: 0.4 },
      { opacity: 1, offset: 0.2 },
      { transform: at(ends[1]), opacity: 0.9 },
    ],
    { duration, easing: 'cubic-bezier(0.4, 0, 0.3, 1)' },
  )
  animation.onfinish = () => dot.remove()
  animation.oncancel = () => dot.remove()
}

export interface Spot {
  readonly x: number
  readonly y: number
}

/** Where a way begins and ends on the board; from and to the watches, which are as wide as the board, it goes straight. */
export function endsOf(board: HTMLElement, from: string, to: string): readonly [Spot, Spot] | undefined {
  const one = placeOf(board, from)
  const other = placeOf(board, to)
  if (!one || !other) return undefined
  if (to === 'watch') return [middleOf(one), { x: middleOf(one).x, y: middleOf(other).y }]
  if (from === 'watch') return [{ x: middleOf(other).x, y: middleOf(one).y }, middleOf(other)]
  return [middleOf(one), middleOf(other)]
}

interface Box extends Spot {
  readonly width: number
  readonly height: number
}

const middleOf = ({ x, y, width, height }: Box): Spot => ({ x: x + width / 2, y: y + height / 2 })

function placeOf(board: HTMLElement, station: string): Box | undefined {
  const element = board.querySelector<HTMLElement>(`[data-station="${CSS.escape(station)}"]`)
  if (!element) return undefined
  const { left, top, width, height } = element.getBoundingClientRect()
  const frame = board.getBoundingClientRect()
  return { x: left - frame.left + board.scrollLeft, y: top - frame.top + board.scrollTop, width, height }
}

const lit = new WeakMap<Element, number>()

/** A station lights up for a moment. */
export function light(board: HTMLElement, station: string, isBad: boolean): void {
  const element = board.querySelector<HTMLElement>(`[data-station="${CSS.escape(station)}"]`)
  if (!element) return
  element.dataset.lit = isBad ? 'bad' : 'yes'
  clearTimeout(lit.get(element))
  lit.set(
    element,
    window.setTimeout(() => delete element.dataset.lit, duration),
  )
}
