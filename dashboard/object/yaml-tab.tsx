// An object as YAML: read live; edited with completion from the server's OpenAPI; compared with what is there; tried (dry run) and applied
// by server-side apply, or put in place of what is there.

import { dump } from 'js-yaml'
import { useEffect, useMemo, useState } from 'react'
import type { ApiError } from '../../src/api/errors.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import { getJson } from '../api/requests.ts'
import { objectPath } from '../api/resources.ts'
import { type Schemas, schemasOf } from '../editor/schemas.ts'
import { YamlEditor } from '../editor/yaml-editor.tsx'
import { did, namespaceFlag } from '../page/did.ts'
import { usePlace } from '../page/place.ts'
import { CopyButton } from '../parts/copy-button.tsx'
import type { ObjectTabProps } from './object-panel.tsx'

const manager = 'kubesim-dashboard'
const applyType = 'application/apply-patch+yaml'

interface Outcome {
  readonly text: string
  readonly isRefusal: boolean
  /** Others own what would be changed. */
  readonly conflict?: boolean
}

export function YamlTab({ object, resource, reference }: ObjectTabProps) {
  const { at } = usePlace()
  const live = useMemo(() => textOf(object, false), [object])
  const [edited, setEdited] = useState<{ readonly first: string; readonly text: string }>()
  const [isDiff, setDiff] = useState(false)
  const [outcome, setOutcome] = useState<Outcome>()
  const [schemas, setSchemas] = useState<Schemas>()
  const isEditing = edited !== undefined
  useEffect(() => {
    if (!isEditing) return
    let isGone = false
    schemasOf(resource).then(
      found => !isGone && setSchemas(found),
      () => {},
    )
    return () => {
      isGone = true
    }
  }, [isEditing, resource])

  const file = `${reference.name}.yaml`
  const send = async (how: 'apply' | 'replace', options: { dryRun?: boolean; force?: boolean } = {}): Promise<void> => {
    const { dryRun = false, force = false } = options
    const flags = `${force ? ' --force-conflicts' : ''}${dryRun ? ' --dry-run=server' : ''}${namespaceFlag(reference.namespace)}`
    const command =
      how === 'apply'
        ? `kubectl apply --server-side --field-manager=${manager}${flags} -f ${file}`
        : `kubectl replace${flags} -f ${file}`
    const words = new URLSearchParams({ fieldManager: manager, fieldValidation: 'Strict' })
    if (dryRun) words.set('dryRun', 'All')
    if (force) words.set('force', 'true')
    try {
      const after = await getJson<KubeObject>(`${objectPath(resource, reference)}?${words}`, {
        method: how === 'apply' ? 'PATCH' : 'PUT',
        type: how === 'apply' ? applyType : 'application/yaml',
        body: edited!.text,
      })
      const same = after.metadata.resourceVersion === object.metadata.resourceVersion
      const deed = same ? 'unchanged' : how === 'apply' ? 'serverside-applied' : 'replaced'
      const text = `${resource.kind.toLowerCase()}/${reference.name} ${deed}${dryRun ? ' (server dry run)' : ''}`
      setOutcome({ text, isRefusal: false })
      did(command, text)
      if (!dryRun) {
        setEdited(undefined)
        setDiff(false)
      }
    } catch (error) {
      const { message, reason } = error as ApiError
      setOutcome({ text: message, isRefusal: true, conflict: how === 'apply' && reason === 'Conflict' })
      did(command, message, true)
    }
  }

  if (edited === undefined) {
    return (
      <>
        <div className="object-tools">
          {at === undefined && (
            <button
              type="button"
              onClick={() => {
                const first = textOf(object, true)
                setEdited({ first, text: first })
                setOutcome(undefined)
              }}
            >
              Edit
            </button>
          )}
          <CopyButton text={live} label="Copy the YAML" />
          {outcome && <OutcomeLine outcome={outcome} />}
        </div>
        <YamlEditor label={`YAML of ${reference.name}`} text={live} readOnly />
      </>
    )
  }
  const isChanged = edited.text !== edited.first
  return (
    <>
      <div className="object-tools">
        <button type="button" className="main" disabled={!isChanged} onClick={() => void send('apply')}>
          Apply
        </button>
        <button type="button" disabled={!isChanged} onClick={() => void send('apply', { dryRun: true })}>
          Dry run
        </button>
        <button
          type="button"
          disabled={!isChanged}
          onClick={() => void send('replace')}
          title="What is not in the text goes"
        >
          Replace
        </button>
        <button type="button" aria-pressed={isDiff} disabled={!isChanged} onClick={() => setDiff(!isDiff)}>
          Diff
        </button>
        <button
          type="button"
          className="quiet"
          onClick={() => {
            setEdited(undefined)
            setDiff(false)
            setOutcome(undefined)
          }}
        >
          Cancel
        </button>
        {schemas && <small>Ctrl+Space completes</small>}
      </div>
      {outcome && (
        <div className="object-tools">
          <OutcomeLine outcome={outcome} />
          {outcome.conflict && (
            <button type="button" onClick={() => void send('apply', { force: true })}>
              Take the fields over
            </button>
          )}
        </div>
      )}
      {isDiff ? (
        <YamlEditor key="diff" label="What would change" text={edited.text} against={textOf(object, true)} readOnly />
      ) : (
        <YamlEditor
          key="edit"
          label={`YAML of ${reference.name}, to be edited`}
          text={edited.text}
          schemas={schemas}
          onChange={text => setEdited({ ...edited, text })}
        />
      )}
    </>
  )
}

function OutcomeLine({ outcome }: { readonly outcome: Outcome }) {
  return (
    <p className={outcome.isRefusal ? 'refusal' : ''} role={outcome.isRefusal ? 'alert' : 'status'}>
      {outcome.text}
    </p>
  )
}

/** What only the server writes, or kubectl for itself. */
const notToEdit = ['uid', 'resourceVersion', 'generation', 'creationTimestamp']
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

/** Without what nobody reads; to be edited: without what nobody writes. */
function textOf(object: KubeObject, toEdit: boolean): string {
  const { apiVersion, kind, status, ...rest } = object as KubeObject & { status?: unknown }
  const metadata: Record<string, unknown> = { ...object.metadata }
  delete metadata.managedFields
  if (toEdit) {
    for (const name of notToEdit) delete metadata[name]
    const { [lastApplied]: _, ...annotations } = object.metadata.annotations ?? {}
    if (Object.keys(annotations).length > 0) metadata.annotations = annotations
    else delete metadata.annotations
  }
  const head = { apiVersion, kind, metadata }
  const tail = toEdit || status === undefined ? {} : { status }
  return dump({ ...head, ...rest, ...head, ...tail }, { lineWidth: -1 })
}
