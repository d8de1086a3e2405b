// Scheduling: of one pod the table of nodes and rules, as the scheduler would fill it in now – and as it would if the pod or a node
// were otherwise. The scheduler's own code is asked; nothing is applied.

import { useEffect, useMemo, useState } from 'react'
import type { Node, Pod } from '../../../generated/types.ts'
import { type NodeWords, noNodeWords, noPodWords, type PodWords } from '../../../src/api/what-if-words.ts'
import type { SchedulingAnswer } from '../../../src/own/scheduling.ts'
import { useObjects } from '../../api/live.ts'
import { getJson } from '../../api/requests.ts'
import { nodes as nodesResource, pods as podsResource, writeReference } from '../../api/resources.ts'
import { did, namespaceFlag } from '../../page/did.ts'
import { go, usePlace } from '../../page/place.ts'
import { questionOf } from './question.ts'
import { VerdictTable } from './verdict-table.tsx'
import { WhatIfForm } from './what-if-form.tsx'
import './scheduling.css'

const path = '/kubesim/v1alpha1/scheduling'
const newPod = 'new'

export function SchedulingView() {
  const { namespace, own, at } = usePlace()
  const pods = useObjects<Pod>(podsResource, { namespace })
  const nodes = useObjects<Node>(nodesResource)
  const [podForm, setPodForm] = useState<PodWords>(noPodWords)
  const [nodeForms, setNodeForms] = useState<ReadonlyMap<string, NodeWords>>(new Map())
  const waiting = pods.objects.filter(isWaiting)
  const placed = pods.objects.filter(pod => pod.spec.nodeName)
  const wanted = own.pod ?? (waiting[0] ? nameOf(waiting[0]) : placed[0] && pods.isReady ? nameOf(placed[0]) : newPod)
  const pod = wanted === newPod ? undefined : pods.objects.find(each => nameOf(each) === wanted)
  const question = useMemo(() => {
    try {
      return { asked: JSON.stringify(questionOf(pod, namespace, podForm, nodeForms, at)), refusal: undefined }
    } catch (error) {
      return { asked: undefined, refusal: (error as Error).message }
    }
  }, [pod, namespace, podForm, nodeForms, at])
  const isKnown = pods.isReady && nodes.isReady && (pod !== undefined || wanted === newPod)
  // What is asked is asked again when what it depends on has changed: who runs where, and what the nodes are.
  const stamp = useMemo(() => stampOf(pods.objects, nodes.objects), [pods.objects, nodes.objects])
  const { answer, refusal } = useAnswer(isKnown ? question.asked : undefined, stamp)
  const isWhatIf = question.asked !== undefined && /"(changes|nodes)":/.test(question.asked)
  const changeNode = (name: string, form: NodeWords): void => {
    const next = new Map(nodeForms)
    if (JSON.stringify(form) === JSON.stringify(noNodeWords)) next.delete(name)
    else next.set(name, form)
    setNodeForms(next)
  }
  return (
    <div className="scheduling">
      <div className="toolbar">
        <h2 className="hidden">Scheduling</h2>
        <label className="field">
          <span>Pod</span>
          <select value={wanted} onChange={event => go({ own: { pod: event.target.value } })}>
            <option value={newPod}>a new pod</option>
            <optgroup label="Without a node">{waiting.map(optionOf)}</optgroup>
            <optgroup label="On a node">{placed.map(optionOf)}</optgroup>
          </select>
        </label>
        {pod && (
          <button type="button" onClick={() => open(pod)}>
            Open the pod
          </button>
        )}
        <span className="header-gap" />
        <button
          type="button"
          className="quiet"
          disabled={!question.asked}
          onClick={() => did(commandOf(pod, isWhatIf ? question.asked : undefined))}
        >
          as a command
        </button>
      </div>
      <div className="scheduling-body">
        <section aria-label="Verdicts">
          {refusal && (
            <p className="empty refusal" role="alert">
              {refusal}
            </p>
          )}
          {pods.isReady && wanted !== newPod && !pod && (
            <p className="empty">
              There is no pod {wanted} here {at === undefined ? 'any more' : 'at this revision'}. Choose another.
            </p>
          )}
          {answer && (
            <>
              <Outcome answer={answer} isWhatIf={isWhatIf} />
              <VerdictTable answer={answer} />
              <Preemption answer={answer} />
            </>
          )}
        </section>
        <WhatIfForm
          pod={podForm}
          changePod={setPodForm}
          nodes={nodes.objects}
          changed={nodeForms}
          changeNode={changeNode}
          clear={() => {
            setPodForm(noPodWords)
            setNodeForms(new Map())
          }}
          refusal={question.refusal}
        />
      </div>
    </div>
  )
}

const nameOf = ({ metadata }: Pod): string => `${metadata.namespace}/${metadata.name}`

const isWaiting = ({ spec, status, metadata }: Pod): boolean =>
  !spec.nodeName && !metadata.deletionTimestamp && status?.phase === 'Pending'

const optionOf = (pod: Pod) => (
  <option key={pod.metadata.uid} value={nameOf(pod)}>
    {nameOf(pod)}
  </option>
)

function open({ metadata: { namespace, name = '' } }: Pod): void {
  go({ object: writeReference({ resource: 'pods', namespace, name }) })
}

/** Statuses change all the time, and bear on nothing here. */
function stampOf(pods: readonly Pod[], nodes: readonly Node[]): string {
  const places = pods.map(({ metadata, spec, status }) => `${metadata.uid} ${spec.nodeName} ${status?.phase}`)
  const rooms = nodes.map(({ metadata, spec, status }) =>
    JSON.stringify([metadata.name, metadata.labels, spec, status?.allocatable]),
  )
  return [...places, ...rooms].join('\n')
}

function commandOf(pod: Pod | undefined, asked: string | undefined): string {
  if (pod && asked === undefined) return `kubesim why pod/${pod.metadata.name}${namespaceFlag(pod.metadata.namespace)}`
  return `kubectl create --raw ${path} -f - <<< '${asked ?? '{…}'}'`
}

/** Asked a moment after the last key. */
function useAnswer(asked: string | undefined, stamp: string) {
  const [told, setTold] = useState<{ readonly answer?: SchedulingAnswer; readonly refusal?: string }>({})
  // biome-ignore lint/correctness/useExhaustiveDependencies: another cluster, another answer.
  useEffect(() => {
    if (asked === undefined) return
    const leaving = new AbortController()
    const timer = setTimeout(() => {
      getJson<SchedulingAnswer>(path, { method: 'POST', body: asked, signal: leaving.signal }).then(
        answer => setTold({ answer }),
        error => {
          if (!leaving.signal.aborted) setTold({ refusal: (error as Error).message })
        },
      )
    }, 200)
    return () => {
      clearTimeout(timer)
      leaving.abort()
    }
  }, [asked, stamp])
  return told
}

function Outcome({ answer, isWhatIf }: { readonly answer: SchedulingAnswer; readonly isWhatIf: boolean }) {
  const { pod, best, message, refusal, gates, nodes, scheduler } = answer
  const fitting = nodes.filter(({ fits }) => fits).length
  const would = isWhatIf || pod.node !== undefined || pod.name === newPod
  return (
    <div className="outcome" role="status">
      <p>
        <b>
          {pod.namespace}/{pod.name}
        </b>{' '}
        {best.length === 0 ? (
          <span className="badge badge-bad">{would ? 'would have no node' : 'has no node'}</span>
        ) : (
          <>
            {would ? 'would go to' : 'goes to'}{' '}
            <b>{best.length > 4 ? `any of ${best.length} nodes` : best.join(' or ')}</b>
            {best.length > 1 && ', as chance has it'}
          </>
        )}
        {pod.node && !isWhatIf && <> – it is on {pod.node}</>}{' '}
        <small>
          {fitting} of {nodes.length} nodes fit, says {scheduler}
        </small>
      </p>
      {gates && <p className="refusal">It is not tried at all while it has the gate {gates.join(', ')}.</p>}
      {refusal && (
        <p className="refusal">
          {refusal.plugin}, whatever the node: {refusal.reasons.join('; ')}
        </p>
      )}
      {message && !refusal && <p>{message}</p>}
      {fitting === 1 && best.length === 1 && <small>Only one node fits, so nothing is scored.</small>}
    </div>
  )
}

function Preemption({ answer: { preemption } }: { readonly answer: SchedulingAnswer }) {
  if (!preemption) return null
  return (
    <section className="preemption" aria-label="Making room">
      <h3>Others could make room</h3>
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col">Would have to go</th>
            <th scope="col">Budgets broken</th>
          </tr>
        </thead>
        <tbody>
          {preemption.ways.map(({ node, victims, brokenBudgets }) => (
            <tr key={node}>
              <td>
                {node} {node === preemption.node && <span className="badge badge-warn">least harm</span>}
              </td>
              <td>{victims.join(', ')}</td>
              <td>{brokenBudgets}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
