// Keys that act everywhere but where one types. Whoever has one asks for it with `useShortcut`; the help panel lists them.

import { useEffect, useEffectEvent } from 'react'
import { createValue } from './value.ts'

export interface Shortcut {
  /** As `KeyboardEvent.key` has it; `Mod+k` with Ctrl or, on a Mac, Command. */
  readonly key: string
  readonly does: string
  act(): void
}

export const shortcuts = createValue<readonly Shortcut[]>([])

export function useShortcut(key: string, does: string, act: () => void): void {
  const latest = useEffectEvent(act)
  useEffect(() => {
    const shortcut = { key, does, act: () => latest() }
    shortcuts.set([...shortcuts.get(), shortcut])
    return () => shortcuts.set(shortcuts.get().filter(each => each !== shortcut))
  }, [key, does])
}

export function useShortcutKeys(): void {
  useEffect(() => {
    const hear = (event: KeyboardEvent): void => {
      // A dialog has its own.
      if (document.querySelector('dialog[open]')) return
      const isModified = event.ctrlKey || event.metaKey
      if (event.defaultPrevented || event.altKey || (!isModified && isTyping(event.target))) return
      const key = isModified ? `Mod+${event.key.toLowerCase()}` : event.key
      // The one that came last: a panel's before the page's.
      const found = shortcuts.get().findLast(each => each.key === key)
      if (found === undefined) return
      event.preventDefault()
      found.act()
    }
    addEventListener('keydown', hear)
    return () => removeEventListener('keydown', hear)
  }, [])
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest('input, textarea, select, [contenteditable="true"], .xterm') !== null
  )
}
