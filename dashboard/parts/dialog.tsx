// A dialog over the page: the browser's own, which keeps the focus inside and ends with Escape. What has `data-first` inside gets the
// focus at first.

import { type ReactNode, useEffect, useRef } from 'react'
import { Sign, signs } from './sign.tsx'

interface DialogProps {
  readonly title: string
  readonly close: () => void
  readonly children: ReactNode
  readonly className?: string
}

export function Dialog({ title, close, children, className = '' }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const shown = dialog.current!
    shown.showModal()
    shown.querySelector<HTMLElement>('[data-first]')?.focus()
    return () => shown.close()
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it; the click is one beside it.
    <dialog
      ref={dialog}
      className={`dialog ${className}`}
      aria-label={title}
      onCancel={event => {
        event.preventDefault()
        close()
      }}
      onClick={event => event.target === dialog.current && close()}
    >
      <div className="dialog-body">
        <header>
          <h2>{title}</h2>
          <button type="button" className="quiet" aria-label="Close" onClick={close}>
            <Sign path={signs.close} />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  )
}
