// The form beside the table: what if the pod asked for less, or a node had another taint? Nothing of it is applied.

import { useState } from 'react'
import type { Node } from '../../../generated/types.ts'
import { type NodeWords, noNodeWords, type PodWords } from '../../../src/api/what-if-words.ts'

interface WhatIfFormProps {
  readonly pod: PodWords
  readonly changePod: (form: PodWords) => void
  readonly nodes: readonly Node[]
  readonly changed: ReadonlyMap<string, NodeWords>
  readonly changeNode: (name: string, form: NodeWords) => void
  readonly clear: () => void
  readonly refusal: string | undefined
}

const podFields: readonly { readonly name: keyof PodWords; readonly label: string; readonly hint: string }[] = [
  { name: 'cpu', label: 'CPU requested', hint: '500m' },
  { name: 'memory', label: 'Memory requested', hint: '256Mi' },
  { name: 'selector', label: 'Node selector', hint: 'disk=ssd' },
  { name: 'tolerations', label: 'Tolerations', hint: 'dedicated=db:NoSchedule' },
  { name: 'priority', label: 'Priority', hint: '1000' },
]

const nodeFields: readonly {
  readonly name: 'labels' | 'taints' | 'cpu' | 'memory'
  readonly label: string
  readonly hint: string
}[] = [
  { name: 'labels', label: 'Labels', hint: 'disk=ssd, old-' },
  { name: 'taints', label: 'Taints, in place of its own', hint: 'key=value:NoSchedule, or -' },
  { name: 'cpu', label: 'CPU to give', hint: '8' },
  { name: 'memory', label: 'Memory to give', hint: '32Gi' },
]

export function WhatIfForm({ pod, changePod, nodes, changed, changeNode, clear, refusal }: WhatIfFormProps) {
  const [name, setName] = useState('')
  const chosen = name || nodes[0]?.metadata.name || ''
  const form = changed.get(chosen) ?? noNodeWords
  const isChanged = Object.values(pod).some(value => value !== '') || changed.size > 0
  return (
    <form className="what-if" aria-label="What if" onSubmit={event => event.preventDefault()}>
      <header>
        <h3>What if</h3>
        <button type="button" className="quiet" disabled={!isChanged} onClick={clear}>
          As it is
        </button>
      </header>
      <fieldset>
        <legend>the pod had</legend>
        {podFields.map(({ name: field, label, hint }) => (
          <label key={field}>
            <span>{label}</span>
            <input
              value={pod[field]}
              placeholder={hint}
              spellCheck={false}
              autoComplete="off"
              onChange={event => changePod({ ...pod, [field]: event.target.value })}
            />
          </label>
        ))}
      </fieldset>
      <fieldset>
        <legend>and of the nodes</legend>
        <label>
          <span>Node</span>
          <select value={chosen} onChange={event => setName(event.target.value)}>
            {nodes.map(({ metadata }) => (
              <option key={metadata.uid} value={metadata.name}>
                {metadata.name}
                {changed.has(metadata.name ?? '') ? ' *' : ''}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>is</span>
          <select
            value={form.state}
            onChange={event => changeNode(chosen, { ...form, state: event.target.value as NodeWords['state'] })}
          >
            <option value="">as it is</option>
            <option value="cordoned">cordoned</option>
            <option value="uncordoned">not cordoned</option>
            <option value="gone">gone</option>
          </select>
        </label>
        {nodeFields.map(({ name: field, label, hint }) => (
          <label key={field}>
            <span>{label}</span>
            <input
              value={form[field]}
              placeholder={hint}
              spellCheck={false}
              autoComplete="off"
              onChange={event => changeNode(chosen, { ...form, [field]: event.target.value })}
            />
          </label>
        ))}
      </fieldset>
      {refusal && (
        <p role="alert" className="refusal">
          {refusal}
        </p>
      )}
      <small>Nothing of this is applied: the scheduler is only asked.</small>
    </form>
  )
}
