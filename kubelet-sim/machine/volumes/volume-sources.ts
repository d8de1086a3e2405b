// What files a ConfigMap, Secret, downward API or projected volume holds, asked of the server (pkg/volume/{configmap,secret,
// downwardapi,projected}). What is optional, or has gone since the pod was let in, is left out.

import type {
  AuthenticationV1TokenRequest,
  V1beta1ClusterTrustBundle as ClusterTrustBundle,
  ClusterTrustBundleProjection,
  ConfigMap,
  Container,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  Secret,
  ServiceAccountTokenProjection,
  Volume,
} from '../../../generated/types.ts'
import { isNotFound } from '../../../src/api/errors.ts'
import { selectorFromLabelSelector } from '../../../src/api/labels.ts'
import type { Frozen, KubeObject } from '../../../src/api/meta.ts'
import { parseTime } from '../../../src/api/time.ts'
import type { Client } from '../../../src/client/client.ts'
import type { Clock } from '../../../src/env/clock.ts'
import { ClusterTrustBundles, ConfigMaps, Secrets, ServiceAccounts } from '../../../src/kinds/index.ts'
import type { Kind } from '../../../src/kinds/kind.ts'
import { fieldOf, resourceOf } from '../environment.ts'
import type { VolumeFile, VolumeFiles } from './atomic-volume.ts'

/** The API server's default for volumes. */
const defaultMode = 0o644
const tokenMode = 0o600

export interface VolumeContent {
  readonly files: VolumeFiles
  /** The objects it was made of: a change of one of them may change it. */
  readonly of: readonly { readonly kind: Kind<any>; readonly name: string; readonly namespaced: boolean }[]
  /** When its token has to be fetched anew. */
  readonly refreshAt: number | undefined
  /** Its objects cannot change. */
  readonly immutable: boolean
  /** Something that has to be there is not. */
  readonly isLacking: boolean
}

export interface SourceNeeds {
  readonly client: Client
  readonly clock: Clock
  readonly allocatable: Readonly<Record<string, string>>
}

/** undefined: it is no volume of this kind. */
export async function contentOf(
  pod: Frozen<Pod>,
  volume: Frozen<Volume>,
  needs: SourceNeeds,
): Promise<VolumeContent | undefined> {
  const { configMap, secret, downwardAPI, projected } = volume
  const gathering = new Gathering(pod, needs)
  if (configMap) await gathering.configMap(configMap, configMap.defaultMode)
  else if (secret) await gathering.secret({ ...secret, name: secret.secretName }, secret.defaultMode)
  else if (downwardAPI) gathering.downward(downwardAPI.items, downwardAPI.defaultMode)
  else if (projected) {
    for (const source of projected.sources ?? []) {
      const mode = projected.defaultMode
      if (source.configMap) await gathering.configMap(source.configMap, mode)
      if (source.secret) await gathering.secret(source.secret, mode)
      if (source.downwardAPI) gathering.downward(source.downwardAPI.items, mode)
      if (source.clusterTrustBundle) await gathering.trust(source.clusterTrustBundle, mode)
      if (source.serviceAccountToken) await gathering.token(source.serviceAccountToken, mode)
    }
  } else return undefined
  return gathering.content()
}

const certificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

interface Wanted {
  readonly name?: string | undefined
  readonly items?: readonly KeyToPath[] | undefined
  readonly optional?: boolean | undefined
}

class Gathering {
  readonly #pod: Frozen<Pod>
  readonly #needs: SourceNeeds
  readonly #files = new Map<string, VolumeFile>()
  readonly #of: { kind: Kind<any>; name: string; namespaced: boolean }[] = []
  #refreshAt: number | undefined
  #changes = false
  #isLacking = false

  constructor(pod: Frozen<Pod>, needs: SourceNeeds) {
    this.#pod = pod
    this.#needs = needs
  }

  content(): VolumeContent {
    return {
      files: this.#files,
      of: this.#of,
      refreshAt: this.#refreshAt,
      immutable: !this.#changes,
      isLacking: this.#isLacking,
    }
  }

  async configMap({ name = '', items, optional }: Frozen<Wanted>, mode?: number): Promise<void> {
    const map = await this.#find<ConfigMap>(ConfigMaps, name)
    if (!map?.immutable) this.#changes = true
    if (map === undefined && !optional) this.#isLacking = true
    const data = new Map<string, Uint8Array | string>(Object.entries(map?.data ?? {}))
    for (const [key, value] of Object.entries(map?.binaryData ?? {})) data.set(key, Buffer.from(value, 'base64'))
    this.#keys(data, items, mode)
  }

  async secret({ name = '', items, optional }: Frozen<Wanted>, mode?: number): Promise<void> {
    const secret = await this.#find<Secret>(Secrets, name)
    if (!secret?.immutable) this.#changes = true
    if (secret === undefined && !optional) this.#isLacking = true
    const data = new Map<string, Uint8Array | string>()
    for (const [key, value] of Object.entries(secret?.data ?? {})) data.set(key, Buffer.from(value, 'base64'))
    this.#keys(data, items, mode)
  }

  downward(items: readonly Frozen<DownwardAPIVolumeFile>[] = [], mode?: number): void {
    for (const { path, fieldRef, resourceFieldRef, mode: own } of items) {
      this.#changes = true
      let content = ''
      if (fieldRef) content = fieldOf(this.#pod, fieldRef)
      else if (resourceFieldRef) {
        const container = containersOf(this.#pod).find(each => each.name === resourceFieldRef.containerName)
        if (container) content = resourceOf(this.#pod, container, resourceFieldRef, this.#needs.allocatable)
      }
      this.#files.set(path, { content, mode: own ?? mode ?? defaultMode })
    }
  }

  /** pkg/kubelet/token: asked for the pod, and anew when four fifths of its time are over, or a day. */
  async token(source: Frozen<ServiceAccountTokenProjection>, mode = defaultMode): Promise<void> {
    const { metadata, spec } = this.#pod
    const { audience, expirationSeconds, path } = source
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: {},
      spec: {
        audiences: audience === undefined || audience === '' ? [] : [audience],
        ...(expirationSeconds !== undefined && { expirationSeconds }),
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: metadata.name, uid: metadata.uid },
      },
    }
    const ref = { name: spec.serviceAccountName || 'default', namespace: metadata.namespace }
    let answer: AuthenticationV1TokenRequest
    try {
      answer = await this.#needs.client.of(ServiceAccounts).act<AuthenticationV1TokenRequest>(ref, 'token', request)
    } catch (error) {
      if (!isNotFound(error)) throw error
      return
    }
    const now = this.#needs.clock.now()
    const lifetime = parseTime(answer.status!.expirationTimestamp as unknown as string) - now
    const refresh = now + Math.min(lifetime * 0.8, 24 * 3_600_000)
    this.#refreshAt = Math.min(this.#refreshAt ?? Number.POSITIVE_INFINITY, refresh)
    this.#changes = true
    // pkg/volume/projected: only its owner may read a token where it is known who that is.
    const users = new Set(containersOf(this.#pod).map(each => each.securityContext?.runAsUser ?? runAs(spec)))
    const [uid] = users.size === 1 ? users : []
    const isPrivate = uid !== undefined || spec.securityContext?.fsGroup !== undefined
    this.#files.set(path, { content: answer.status!.token!, mode: isPrivate ? tokenMode : mode, uid })
  }

  /** One bundle by its name, or all of a signer that are selected, each certificate once. */
  async trust(source: Frozen<ClusterTrustBundleProjection>, mode?: number): Promise<void> {
    const { name, signerName, labelSelector, path, optional } = source
    this.#changes = true
    let bundles: readonly Frozen<ClusterTrustBundle>[]
    if (name !== undefined) {
      this.#of.push({ kind: ClusterTrustBundles, name, namespaced: false })
      const one = await found<ClusterTrustBundle>(this.#needs.client, ClusterTrustBundles, name, undefined)
      bundles = one === undefined ? [] : [one]
    } else {
      const { items } = await this.#needs.client.of<ClusterTrustBundle>(ClusterTrustBundles).list()
      const selector = selectorFromLabelSelector(labelSelector)
      bundles = items.filter(
        ({ metadata, spec }) => spec.signerName === signerName && selector.matches(metadata.labels),
      )
    }
    if (bundles.length === 0 && !optional) this.#isLacking = true
    const certificates = bundles.flatMap(({ spec }) => spec.trustBundle.match(certificate) ?? [])
    const content = [...new Set(certificates)].map(each => `${each}\n`).join('')
    this.#files.set(path, { content, mode: mode ?? defaultMode })
  }

  #keys(
    data: ReadonlyMap<string, Uint8Array | string>,
    items: readonly Frozen<KeyToPath>[] | undefined,
    mode?: number,
  ) {
    if (items === undefined || items.length === 0) {
      for (const key of [...data.keys()].sort()) {
        this.#files.set(key, { content: data.get(key)!, mode: mode ?? defaultMode })
      }
      return
    }
    for (const { key, path, mode: own } of items) {
      const content = data.get(key)
      if (content !== undefined) this.#files.set(path, { content, mode: own ?? mode ?? defaultMode })
    }
  }

  async #find<T extends KubeObject>(kind: Kind<any>, name: string): Promise<Frozen<T> | undefined> {
    this.#of.push({ kind, name, namespaced: true })
    return found<T>(this.#needs.client, kind, name, this.#pod.metadata.namespace)
  }
}

export async function found<T extends KubeObject>(
  client: Client,
  kind: Kind<any>,
  name: string,
  namespace: string | undefined,
): Promise<Frozen<T> | undefined> {
  try {
    return (await client.of(kind).get({ name, namespace })) as Frozen<T>
  } catch (error) {
    if (!isNotFound(error)) throw error
    return undefined
  }
}

export function containersOf({ spec }: Frozen<Pod>): readonly Frozen<Container>[] {
  return [...(spec.initContainers ?? []), ...spec.containers]
}

function runAs(spec: Frozen<Pod['spec']>): number | undefined {
  return spec.securityContext?.runAsUser
}
