// What can be done to an object with one press: delete, scale, restart, cordon. Each is the request that kubectl would send, and says
// the command. Of the past nothing can be changed, so the panel leaves these out there.

import { useEffect, useState } from 'react'
import type { KubeObject } from '../../src/api/meta.ts'
import { getJson } from '../api/requests.ts'
import { objectPath, typedName } from '../api/resources.ts'
import { clusterNow } from '../page/clock.ts'
import { did, namespaceFlag } from '../page/did.ts'
import { Dialog } from '../parts/dialog.tsx'
import type { ObjectTabProps } from './object-panel.tsx'

const mergePatch = 'application/merge-patch+json'

export function Actions({ object, resource, reference }: ObjectTabProps) {
  const [isAsking, setAsking] = useState(false)
  const path = objectPath(resource, reference)
  const flag = namespaceFlag(reference.namespace)
  const name = typedName(resource, reference.name)
  const act = async (command: string, outcome: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work()
      did(command, outcome)
    } catch (error) {
      did(command, (error as Error).message, true)
    }
  }
  const patch = (body: object, subresource = '') =>
    getJson(`${path}${subresource}`, { method: 'PATCH', type: mergePatch, body })
  const { spec } = object as KubeObject & { spec?: { replicas?: number; unschedulable?: boolean; template?: unknown } }
  const deletion = `kubectl delete ${name}${flag}`
  const isRolled = resource.group === 'apps' && spec?.template !== undefined && resource.kind !== 'ReplicaSet'
  return (
    <div className="actions" role="group" aria-label="Actions">
      {resource.subresources?.includes('scale') && spec?.replicas !== undefined && (
        <Scale
          replicas={spec.replicas}
          scale={replicas =>
            act(`kubectl scale ${name}${flag} --replicas=${replicas}`, `${name} scaled`, () =>
              patch({ spec: { replicas } }, '/scale'),
            )
          }
        />
      )}
      {isRolled && (
        <button
          type="button"
          onClick={() =>
            act(`kubectl rollout restart ${name}${flag}`, `${name} restarted`, () => {
              // As kubectl's own objectrestarter does it.
              const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date(clusterNow()).toISOString() }
              return patch({ spec: { template: { metadata: { annotations } } } })
            })
          }
        >
          Restart
        </button>
      )}
      {resource.kind === 'Node' && (
        <button
          type="button"
          onClick={() => {
            const verb = spec?.unschedulable ? 'uncordon' : 'cordon'
            return act(`kubectl ${verb} ${reference.name}`, `${name} ${verb}ed`, () =>
              patch({ spec: { unschedulable: spec?.unschedulable ? null : true } }),
            )
          }}
        >
          {spec?.unschedulable ? 'Uncordon' : 'Cordon'}
        </button>
      )}
      <button type="button" onClick={() => setAsking(true)}>
        Delete …
      </button>
      {isAsking && (
        <Dialog title={`Delete ${name}?`} close={() => setAsking(false)}>
          <p>
            {object.metadata.ownerReferences?.some(({ controller }) => controller)
              ? 'Its owner will make another in its place.'
              : 'What it owns goes with it.'}
          </p>
          <p>
            <code>{deletion}</code>
          </p>
          <div className="dialog-buttons">
            <button type="button" data-first onClick={() => setAsking(false)}>
              Keep it
            </button>
            <button
              type="button"
              className="main danger"
              onClick={() => {
                setAsking(false)
                void act(deletion, `${name} deleted`, () =>
                  getJson(path, { method: 'DELETE', body: { propagationPolicy: 'Background' } }),
                )
              }}
            >
              Delete
            </button>
          </div>
        </Dialog>
      )}
    </div>
  )
}

function Scale({ replicas, scale }: { readonly replicas: number; readonly scale: (replicas: number) => void }) {
  const [wanted, setWanted] = useState(replicas)
  useEffect(() => setWanted(replicas), [replicas])
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        scale(wanted)
      }}
    >
      <label className="field">
        <span>Replicas</span>
        <input
          type="number"
          min={0}
          max={10_000}
          value={wanted}
          onChange={event => setWanted(event.target.valueAsNumber || 0)}
        />
      </label>
      <button type="submit" disabled={wanted === replicas}>
        Scale
      </button>
    </form>
  )
}
