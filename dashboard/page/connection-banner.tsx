// Says that the API server does not answer, and what to do.

import { reachable } from '../api/reachable.ts'
import { useValue } from './value.ts'

export function ConnectionBanner() {
  const trouble = useValue(reachable)
  if (trouble === undefined) return null
  return (
    <div className="bar bar-lost" role="alert">
      <span>
        <b>The connection is lost:</b> {trouble}. What you see may be old. Start the cluster again with{' '}
        <code>kubesim start</code>, or the page's listener with <code>kubesim dashboard</code>; this page goes on by
        itself.
      </span>
    </div>
  )
}
