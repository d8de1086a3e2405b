// The table: a row for each node, a column for each rule that filters or scores, and who wins.

import { memo, useState } from 'react'
import type { SchedulingAnswer } from '../../../src/own/scheduling.ts'

type NodeVerdict = SchedulingAnswer['nodes'][number]
type Plugin = SchedulingAnswer['plugins'][number]

const mostRows = 100
const byNumber = new Intl.Collator('en', { numeric: true })

export const VerdictTable = memo(function VerdictTable({ answer }: { readonly answer: SchedulingAnswer }) {
  const { plugins, nodes, best } = answer
  const [showsAll, setShowsAll] = useState(false)
  const filters = plugins.filter(({ filters }) => filters)
  const scorers = plugins.filter(({ name }) => nodes.some(({ scores }) => scores.some(({ plugin }) => plugin === name)))
  const extra = nodes.some(({ scores }) => scores.some(({ plugin }) => plugin === 'Extender'))
  const columns: readonly Plugin[] = extra
    ? [...scorers, { name: 'Extender', filters: false, scores: true, weight: 1 }]
    : scorers
  const rows = [...nodes].sort(
    (one, other) =>
      Number(other.fits) - Number(one.fits) ||
      (other.total ?? 0) - (one.total ?? 0) ||
      byNumber.compare(one.name, other.name),
  )
  const shown = showsAll ? rows : rows.slice(0, mostRows)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so that keys must reach it.
    <div className="verdicts" tabIndex={0} role="region" aria-label="Nodes and rules">
      <table>
        <thead>
          <tr>
            <th scope="col" rowSpan={2}>
              Node
            </th>
            {filters.length > 0 && (
              <th scope="colgroup" colSpan={filters.length} className="group">
                may it run there
              </th>
            )}
            {columns.length > 0 && (
              <th scope="colgroup" colSpan={columns.length + 1} className="group">
                how well
              </th>
            )}
            <th scope="col" rowSpan={2} className="why">
              Why not
            </th>
          </tr>
          <tr className="rules">
            {filters.map(({ name }) => (
              <th key={name} scope="col">
                <span>{spaced(name)}</span>
              </th>
            ))}
            {columns.map(({ name, weight }) => (
              <th key={name} scope="col" className="score">
                <span>
                  {spaced(name)} ×{weight}
                </span>
              </th>
            ))}
            {columns.length > 0 && (
              <th scope="col" className="score">
                <span>Total</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {shown.map(node => (
            <tr key={node.name} data-best={best.includes(node.name) || undefined} data-out={!node.fits || undefined}>
              <th scope="row">
                {node.name}
                {best.includes(node.name) && (
                  <span className="badge badge-good">{best.length > 1 ? 'equal' : 'wins'}</span>
                )}
              </th>
              {filters.map(({ name }) => (
                <Filter key={name} node={node} plugin={name} isAsked={answer.refusal === undefined} />
              ))}
              {columns.map(({ name }) => (
                <Score key={name} node={node} plugin={name} />
              ))}
              {columns.length > 0 && <td className="score total">{node.total ?? ''}</td>}
              <td className="why">{node.refusals.flatMap(({ reasons }) => reasons).join('; ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {columns.length > 0 && (
        <small>The upper number counts: scaled to 100 and weighted. Below it is what the rule gave.</small>
      )}
      {shown.length < rows.length && (
        <button type="button" onClick={() => setShowsAll(true)}>
          Show all {rows.length} nodes
        </button>
      )}
    </div>
  )
})

/** `NodeResourcesFit`: so that a long name may break. */
const spaced = (name: string): string => name.replace(/(?<=[a-z])(?=[A-Z])/g, '\u200b')

function Filter({
  node,
  plugin,
  isAsked,
}: {
  readonly node: NodeVerdict
  readonly plugin: string
  readonly isAsked: boolean
}) {
  const refusal = node.refusals.find(each => each.plugin === plugin)
  if (!isAsked) return <td className="may">–</td>
  if (refusal === undefined) {
    return (
      <td className="may">
        <span aria-hidden="true">✓</span>
        <span className="hidden">yes</span>
      </td>
    )
  }
  return (
    <td className="may" data-refused title={refusal.reasons.join('; ')}>
      <span aria-hidden="true">✗</span>
      <span className="hidden">no</span>
    </td>
  )
}

function Score({ node, plugin }: { readonly node: NodeVerdict; readonly plugin: string }) {
  const score = node.scores.find(each => each.plugin === plugin)
  if (score === undefined) return <td className="score" />
  const { raw, normalised, weighted } = score
  return (
    <td className="score" title={`as given ${raw}, from 0 to 100 ${normalised}, weighted ${weighted}`}>
      {weighted}
      <small>{raw}</small>
    </td>
  )
}
