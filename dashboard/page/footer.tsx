// The footer: the command that would have done what was done or shown last, to be copied, and those before it.

import { useState } from 'react'
import { CopyButton } from '../parts/copy-button.tsx'
import { deeds } from './did.ts'
import { useValue } from './value.ts'

export function Footer() {
  const all = useValue(deeds)
  const [isOpen, setOpen] = useState(false)
  const last = all.at(-1)
  return (
    <footer className="footer">
      {isOpen && all.length > 1 && (
        <ol className="deeds" aria-label="Commands before">
          {all.slice(0, -1).map((deed, index) => (
            <li key={index}>
              <code>{deed.command}</code>
              <span data-failed={deed.failed || undefined}>{deed.outcome}</span>
              <CopyButton text={deed.command} label={`Copy ${deed.command}`} />
            </li>
          ))}
        </ol>
      )}
      <span className="footer-says">As a command</span>
      {last ? (
        <>
          <code data-testid="command">{last.command}</code>
          <CopyButton text={last.command} label="Copy the command" />
          <span className="footer-outcome" role="status" data-failed={last.failed || undefined}>
            {last.outcome}
          </span>
        </>
      ) : (
        <span className="footer-outcome">Whatever you do here, this line says how kubectl does it.</span>
      )}
      <span className="header-gap" />
      {all.length > 1 && (
        <button type="button" className="quiet" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'Hide' : `${all.length - 1} before`}
        </button>
      )}
    </footer>
  )
}
