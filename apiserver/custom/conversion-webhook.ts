// Conversion by a webhook: objects are sent as they are stored, and come back in the version that is asked for. What was
// said of an object is remembered as long as it lives, so that readers ask once. Made by apiserver/server.ts for
// definitions that name one. Rules and words: apiextensions-apiserver pkg/apiserver/conversion/webhook_converter.go.

import type { CustomResourceDefinition } from '../../generated/types.ts'
import { ApiError, aggregate } from '../../src/api/errors.ts'
import { freeze } from '../../src/api/freeze.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { annotationFaults, labelFaults } from '../../src/api/names.ts'
import type { Random } from '../../src/env/random.ts'
import { OutgoingError } from '../outgoing/outgoing.ts'
import { postToWebhook, type WebhookCaller, WebhookRefusal } from '../outgoing/webhook-client.ts'
import { NotConverted } from '../registry/converting.ts'
import type { Conversion } from './conversion.ts'
import { goType } from './go-type.ts'

const patience = 30_000
/** Drafts on their way to the store whose converted form is remembered. */
const mostDrafts = 100

type Crd = Frozen<CustomResourceDefinition>

export function webhookConversion(caller: WebhookCaller, random: Random, crd: Crd): Conversion {
  const { clientConfig = {}, conversionReviewVersions = [] } = crd.spec.conversion?.webhook ?? {}
  const known = new WeakMap<object, Map<string, Frozen<KubeObject>>>()
  const drafts = new Map<string, Frozen<KubeObject>>()

  async function ask(objects: readonly Frozen<KubeObject>[], to: string): Promise<void> {
    const about = `${objects[0]!.apiVersion}, Kind=${objects[0]!.kind}`
    const fail = (why: string): never => {
      throw new ApiError('InternalError', `conversion webhook for ${about} ${why}`)
    }
    const version = conversionReviewVersions.find(each => each === 'v1' || each === 'v1beta1')
    if (version === undefined) throw new ApiError('InternalError', 'no supported conversion review versions')
    const uid = random.uid()
    const review = {
      kind: 'ConversionReview',
      apiVersion: `apiextensions.k8s.io/${version}`,
      request: { uid, desiredAPIVersion: to, objects },
    }
    const body = Buffer.from(JSON.stringify(review))
    let answer: unknown
    try {
      const response = await postToWebhook(caller, clientConfig, '', body, patience)
      answer = JSON.parse(response.body.toString())
    } catch (error) {
      const isWorded = error instanceof OutgoingError || error instanceof WebhookRefusal || error instanceof SyntaxError
      if (!isWorded) throw error
      return fail(`failed: ${error.message}`)
    }
    const converted = objectsIn(answer, uid, version, why => fail(`failed: ${why}`))
    if (converted.length !== objects.length) {
      fail(`returned ${converted.length} objects, expected ${objects.length}`)
    }
    for (const [index, original] of objects.entries()) {
      const place = objects.length === 1 ? 'object' : `converted object at index ${index}`
      const made = judged(original, converted[index], to, (what, why) =>
        fail(
          what === 'metadata'
            ? `returned invalid metadata${objects.length === 1 ? '' : ` in object at index ${index}`}: ${why}`
            : `returned invalid ${place}: ${why}`,
        ),
      )
      remember(original, to, freeze(made) as Frozen<KubeObject>)
    }
  }

  function remember(original: Frozen<KubeObject>, to: string, made: Frozen<KubeObject>): void {
    if (Object.isFrozen(original)) {
      const forms = known.get(original) ?? new Map<string, Frozen<KubeObject>>()
      forms.set(to, made)
      known.set(original, forms)
      return
    }
    drafts.set(draftKey(original, to), made)
    if (drafts.size > mostDrafts) drafts.delete(drafts.keys().next().value!)
  }

  return {
    isOutside: true,
    convert(object, to) {
      if (object.apiVersion === to) return object
      if (Object.isFrozen(object)) {
        const made = known.get(object)?.get(to)
        if (made !== undefined) return made
      } else {
        const made = drafts.get(draftKey(object, to))
        // What the server gives an object anew each time it tries is that of this time.
        if (made !== undefined) return { ...made, metadata: metadataOf(object, made) }
      }
      throw new NotConverted(object, objects => ask(objects, to))
    },
  }
}

/** A draft by what a webhook may look at. */
function draftKey({ metadata, ...rest }: Frozen<KubeObject>, to: string): string {
  const { uid: _, creationTimestamp: __, resourceVersion: ___, generation: ____, ...told } = metadata
  return `${to} ${JSON.stringify([told, rest])}`
}

/** Of the original, but for labels and annotations (restoreObjectMeta). */
function metadataOf(original: Frozen<KubeObject>, { metadata }: Frozen<KubeObject>): Frozen<KubeObject>['metadata'] {
  const { labels: _, annotations: __, ...rest } = original.metadata
  return {
    ...rest,
    ...(metadata.labels ? { labels: metadata.labels } : {}),
    ...(metadata.annotations ? { annotations: metadata.annotations } : {}),
  }
}

type Members = Readonly<Record<string, unknown>>

function objectsIn(answer: unknown, uid: string, version: string, fail: (why: string) => never): readonly unknown[] {
  const { kind = '', apiVersion = '', response } = (answer ?? {}) as Members
  if (version === 'v1' && (kind !== 'ConversionReview' || apiVersion !== 'apiextensions.k8s.io/v1')) {
    const wanted = 'apiextensions.k8s.io/v1, Kind=ConversionReview'
    fail(`expected webhook response of ${wanted}, got ${apiVersion}, Kind=${kind}`)
  }
  if (typeof response !== 'object' || response === null) return fail('no response provided')
  const { uid: said = '', result, convertedObjects } = response as Members
  if (version === 'v1' && said !== uid) {
    fail(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(said)}`)
  }
  const { status = '', message } = (result ?? {}) as { status?: string; message?: string }
  if (status !== 'Success') fail(message || `response.result.status was '${status}', not 'Success'`)
  return Array.isArray(convertedObjects) ? convertedObjects : []
}

function judged(
  original: Frozen<KubeObject>,
  answer: unknown,
  to: string,
  fail: (what: 'object' | 'metadata', why: string) => never,
): KubeObject {
  const made = (answer ?? {}) as KubeObject & { metadata?: unknown }
  if (made.apiVersion !== to) {
    fail('object', `invalid groupVersion (expected ${to}, received ${made.apiVersion ?? ''})`)
  }
  if (made.kind !== original.kind) {
    fail('object', `invalid kind (expected ${original.kind}, received ${made.kind ?? ''})`)
  }
  const { metadata } = made
  if (metadata === undefined) fail('metadata', 'missing metadata in converted object')
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    fail('metadata', `invalid metadata of type ${goType(metadata)} in converted object`)
  }
  for (const [name, word] of [
    ['name', 'name'],
    ['namespace', 'namespace'],
    ['uid', 'UID'],
  ] as const) {
    const [one, other] = [original.metadata[name] ?? '', metadata[name] ?? '']
    if (one !== other) fail('object', `must have the same ${word}: ${one} != ${other}`)
  }
  for (const part of ['labels', 'annotations'] as const) {
    const members: unknown = metadata[part]
    if (members === undefined || members === null) continue
    if (typeof members !== 'object' || Array.isArray(members)) {
      fail('metadata', `invalid metadata.${part} of type ${goType(members)} in converted object`)
    }
    for (const [key, value] of Object.entries(members as Members)) {
      if (typeof value === 'string') continue
      fail('metadata', `metadata.${part}[${key}] must be a string, but is ${goType(value)} in converted object`)
    }
    const texts = members as Readonly<Record<string, string>>
    const faults =
      part === 'labels' ? labelFaults(texts, 'metadata.labels') : annotationFaults(texts, 'metadata.annotation')
    if (faults.length > 0) fail('metadata', aggregate(faults))
  }
  return { ...made, metadata: metadataOf(original, made as Frozen<KubeObject>) as KubeObject['metadata'] }
}
