// agnhost webhook: the admission webhooks that upstream's tests register (test/images/agnhost/webhook/*.go). A review comes in as JSON
// over TLS and goes back with an answer; v1 and v1beta1 alike.

import type { SimulatedRequest, SimulatedResponse } from '../../../../src/client/node-client.ts'
import type { Process } from '../../../machine/process.ts'
import type { Step } from '../../../machine/wait.ts'
import { endingOn } from '../ending.ts'
import { flagsOf, httpError, klog, pathOf, reply } from '../go.ts'
import { pairIn } from './serving-tls.ts'

interface Verdict {
  readonly allowed: boolean
  readonly status?: {
    readonly message?: string
    readonly reason?: string
    readonly status?: string
    readonly code?: number
  }
  readonly patch?: readonly object[]
}

/** A review's request, as far as the webhooks look at it. */
interface Asked {
  readonly uid: string
  readonly name?: string
  readonly operation: string
  readonly subResource?: string
  readonly resource: { readonly group: string; readonly version: string; readonly resource: string }
  readonly object?: any
  readonly oldObject?: any
}

type Hook = (asked: Asked, process: Process) => Verdict | Step<Verdict>

const allowed: Verdict = { allowed: true }
const because = (message: string): Verdict => ({ allowed: false, status: { message } })
const forReason = (reason: string): Verdict => ({ allowed: false, status: { reason } })

export function* webhook(process: Process, words: readonly string[]): Step<number> {
  const known = { 'tls-cert-file': '', 'tls-private-key-file': '', port: '443', 'sidecar-image': '' }
  const { text } = yield* flagsOf(process, words, known)
  const hooks = hooksWith(text['sidecar-image']!)
  const serving = yield* pairIn(process, text['tls-cert-file']!, text['tls-private-key-file']!)
  process.sockets.serve(Number(text.port), request => answer(process, hooks, request), undefined, serving)
  return yield* endingOn(process, { TERM: 143, INT: 130 }).wait()
}

function* answer(
  process: Process,
  hooks: Readonly<Record<string, Hook>>,
  request: SimulatedRequest,
): Step<SimulatedResponse> {
  const path = pathOf(request)
  if (path === '/readyz') return reply('ok')
  const hook = Object.hasOwn(hooks, path) ? hooks[path]! : undefined
  if (hook === undefined) return httpError('404 page not found', 404)
  const type = request.headers['content-type'] ?? ''
  if (type !== 'application/json') {
    yield* klog(process, 'main.go:119', `contentType=${type}, expect application/json`, 'E')
    return reply('')
  }
  let review: { readonly apiVersion: string; readonly kind: string; readonly request: Asked }
  try {
    review = JSON.parse(Buffer.from(request.body).toString())
  } catch (error) {
    return httpError(`Request could not be decoded: ${(error as Error).message}`, 400)
  }
  if (review.kind !== 'AdmissionReview' || !/^admission\.k8s\.io\/v1(beta1)?$/.test(review.apiVersion)) {
    return httpError(`Unsupported group version kind: ${review.apiVersion}, Kind=${review.kind}`, 400)
  }
  const verdict = hook(review.request, process)
  const { allowed, status, patch } = 'allowed' in verdict ? verdict : yield* verdict
  const patched = patch && { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }
  const response = { uid: review.request.uid, allowed, ...(status && { status }), ...patched }
  const { apiVersion, kind } = review
  return reply(JSON.stringify({ kind, apiVersion, response }), 200, { 'content-type': 'application/json' })
}

function hooksWith(sidecar: string): Readonly<Record<string, Hook>> {
  return {
    '/always-allow-delay-5s': function* (_, process) {
      yield* process.sleep(5000)
      return { allowed: true, status: { message: 'this webhook allows all requests' } }
    },
    '/always-deny': () => because('this webhook denies all requests'),
    '/add-label': ({ object }) => ({ allowed: true, ...labelPatch(object?.metadata?.labels) }),
    '/pods': admitPod,
    '/pods/attach': admitAttaching,
    '/mutating-pods': asked => (asked.object?.metadata?.name === 'webhook-to-be-mutated' ? withInit(asked) : allowed),
    '/mutating-pods-sidecar': asked => withSidecar(asked, sidecar),
    '/configmaps': asked =>
      ofResource(asked, 'configmaps') ??
      admitData(
        asked,
        'the configmap contains unwanted key and value',
        'the configmap cannot be deleted because it contains unwanted key and value',
      ),
    '/mutating-configmaps': asked => ofResource(asked, 'configmaps') ?? staged(asked),
    '/custom-resource': asked =>
      admitData(
        asked,
        'the custom resource contains unwanted data',
        'the custom resource cannot be deleted because it contains unwanted key and value',
      ),
    '/mutating-custom-resource': staged,
    '/crd': ({ object }) =>
      object?.metadata?.labels?.[mark] === 'webhook-disallow' ? because('the crd contains unwanted label') : allowed,
  }
}

const mark = 'webhook-e2e-test'

/** Undefined: it is what is expected. */
function ofResource({ resource }: Asked, wanted: string): Verdict | undefined {
  if (resource.group === '' && resource.version === 'v1' && resource.resource === wanted) return undefined
  return because(`expect resource to be {Group:"", Version:"v1", Resource:"${wanted}"}`)
}

function labelPatch(labels: Readonly<Record<string, string>> = {}): Pick<Verdict, 'patch'> {
  const path = '/metadata/labels/added-label'
  if (Object.keys(labels).length === 0) {
    return { patch: [{ op: 'add', path: '/metadata/labels', value: { 'added-label': 'yes' } }] }
  }
  if (labels['added-label'] === undefined) return { patch: [{ op: 'add', path, value: 'yes' }] }
  return labels['added-label'] === 'yes' ? {} : { patch: [{ op: 'replace', path, value: 'yes' }] }
}

function* admitPod(asked: Asked, process: Process): Step<Verdict> {
  const other = ofResource(asked, 'pods')
  if (other) return other
  const { metadata, spec } = asked.object
  const faults: string[] = []
  const label = metadata.labels?.[mark]
  if (label === 'webhook-disallow') faults.push('the pod contains unwanted label;')
  // Its answer is never sent.
  if (label === 'wait-forever') for (;;) yield* process.sleep(3_600_000)
  for (const { name } of spec.containers) {
    if (name.includes('webhook-disallow')) faults.push('the pod contains unwanted container name;')
  }
  return faults.length > 0 ? because(faults.join(' ')) : allowed
}

function admitAttaching(asked: Asked): Verdict {
  if (asked.name !== 'to-be-attached-pod') return allowed
  const other = ofResource(asked, 'pods')
  if (other) return other
  if (asked.subResource !== 'attach') return because(`expect subresource to be attach, got ${asked.subResource}`)
  const { stdin, container } = asked.object ?? {}
  return stdin && container === 'container1' ? because("attaching to pod 'to-be-attached-pod' is not allowed") : allowed
}

function withInit(asked: Asked): Verdict {
  const name = 'webhook-added-init-container'
  if (asked.object.spec.initContainers?.some((each: { name: string }) => each.name === name)) return allowed
  const value = [{ image: 'webhook-added-image', name, resources: {} }]
  return { allowed: true, patch: [{ op: 'add', path: '/spec/initContainers', value }] }
}

function withSidecar(asked: Asked, image: string): Verdict {
  if (image === '') {
    const message = 'No image specified by the sidecar-image parameter'
    return { allowed: false, status: { status: 'Failure', message, code: 500 } }
  }
  const name = 'webhook-added-sidecar'
  if (asked.object.spec.containers.some((each: { name: string }) => each.name === name)) return allowed
  return { allowed: true, patch: [{ op: 'add', path: '/spec/containers/-', value: { image, name, resources: {} } }] }
}

function admitData({ operation, object, oldObject }: Asked, unwanted: string, undeletable: string): Verdict {
  const value = (operation === 'DELETE' ? oldObject : object)?.data?.[mark]
  const isWritten = operation === 'CREATE' || operation === 'UPDATE'
  if (value === 'webhook-disallow' && isWritten) return forReason(unwanted)
  if (value === 'webhook-nondeletable' && operation === 'DELETE') return forReason(undeletable)
  return allowed
}

/** A second webhook sees what the first has done. */
function staged({ object }: Asked): Verdict {
  const data = object?.data ?? {}
  const stage = data['mutation-stage-1'] === 'yes' ? 2 : data['mutation-start'] === 'yes' ? 1 : undefined
  if (stage === undefined) return allowed
  return { allowed: true, patch: [{ op: 'add', path: `/data/mutation-stage-${stage}`, value: 'yes' }] }
}
