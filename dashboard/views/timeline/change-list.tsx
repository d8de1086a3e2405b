// Fields before and after.

import type { Happening } from '../../../src/timeline.ts'

const most = 12
const longest = 120

export function ChangeList({ changes }: { readonly changes: Happening['changes'] }) {
  if (changes.length === 0) return null
  return (
    <ul className="changes">
      {changes.slice(0, most).map(change => (
        <li key={change.path}>
          <code>{change.path}</code> {'before' in change && <del>{shown(change.before)}</del>}{' '}
          {'after' in change && <ins>{shown(change.after)}</ins>}
        </li>
      ))}
      {changes.length > most && <li>and {changes.length - most} more</li>}
    </ul>
  )
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}
