// What the keys do, and what the signs mean.

import { Dialog } from '../parts/dialog.tsx'
import { shortcuts, useShortcut } from './shortcuts.ts'
import { createValue, useValue } from './value.ts'

export const helpIsOpen = createValue(false)

export function HelpPanel() {
  const isOpen = useValue(helpIsOpen)
  const all = useValue(shortcuts)
  useShortcut('?', 'this help', () => helpIsOpen.set(true))
  if (!isOpen) return null
  return (
    <Dialog title="Keys" close={() => helpIsOpen.set(false)}>
      <dl className="keys">
        {all.map(({ key, does }) => (
          <div key={`${key} ${does}`}>
            <dt>
              <kbd>{nameOf(key)}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>←</kbd> <kbd>→</kbd> <kbd>↑</kbd> <kbd>↓</kbd>
          </dt>
          <dd>move among pods, rows and tabs; Home and End to the first and last</dd>
        </div>
        <div>
          <dt>
            <kbd>Enter</kbd>
          </dt>
          <dd>open what is chosen</dd>
        </div>
        <div>
          <dt>
            <kbd>Tab</kbd>
          </dt>
          <dd>to the next part of the page</dd>
        </div>
      </dl>
    </Dialog>
  )
}

function nameOf(key: string): string {
  return key.replace('Mod+', navigator.platform.startsWith('Mac') ? '⌘ ' : 'Ctrl ').replace('Escape', 'Esc')
}
