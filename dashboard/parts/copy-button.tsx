// Copies a text to the clipboard, and says so.

import { useEffect, useState } from 'react'
import { Sign, signs } from './sign.tsx'

export function CopyButton({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }) {
  const [isDone, setDone] = useState(false)
  useEffect(() => {
    if (!isDone) return
    const timer = setTimeout(() => setDone(false), 1_500)
    return () => clearTimeout(timer)
  }, [isDone])
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setDone(true),
      () => {},
    )
  return (
    <button type="button" className="quiet copy" onClick={copy} aria-label={label} title={label}>
      <Sign path={isDone ? 'M3 8.5l3.5 3.5L13 5' : signs.copy} size={14} />
      <span className="hidden" role="status">
        {isDone ? 'copied' : ''}
      </span>
    </button>
  )
}
