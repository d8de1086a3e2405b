// What a pod's volumes and its containers' environments refer to, and whether it is there: asked of the server itself, as
// a kubelet does, before a pod's turn, and only of pods that refer to anything. The words are those of pkg/volume/{configmap,
// secret,projected,csi}, pkg/kubelet/volumemanager/populator and pkg/kubelet/kubelet_pods.go.

import type {
  ConfigMap,
  Container,
  CSIDriver,
  KeyToPath,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  Secret,
  Volume,
  VolumeAttachment,
  VolumeProjection,
} from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import type { Frozen, KubeObject } from '../src/api/meta.ts'
import type { Client } from '../src/client/client.ts'
import { ConfigMaps, CSIDrivers, PersistentVolumeClaims, PersistentVolumes, Secrets } from '../src/kinds/index.ts'
import type { Kind } from '../src/kinds/kind.ts'
import { claimOfVolume } from '../src/kinds/pod-claims.ts'
import type { Obstacle } from './pod-view.ts'
import { hasSubPathExpressions, subPathFault } from './sub-paths.ts'

/** The only driver that is registered on a fake node. */
export const registeredDriver = 'csi.kubesim.dev'

/** Whether anything of it has to be there before its containers can be made. */
export function refersToOthers({ spec }: Frozen<Pod>): boolean {
  if (spec.imagePullSecrets?.length) return true
  return (
    (spec.volumes?.some(isReference) ?? false) ||
    containersOf(spec).some(each => refersInEnvironment(each) || hasSubPathExpressions(each))
  )
}

/** Types of hostPath that make nothing. */
const mustBeThere: ReadonlySet<string> = new Set(['Directory', 'File', 'Socket', 'CharDevice', 'BlockDevice'])

/** Why a node's path cannot be mounted as a volume of that type. */
export type HostPathFault = (node: string, path: string, type: string) => Promise<string | undefined>

/** What every pod is given with its account is there: nothing is to be waited for. */
function isReference(volume: Frozen<Volume>) {
  const { name, configMap, secret, projected, persistentVolumeClaim, ephemeral, csi, hostPath } = volume
  if (projected) return !name.startsWith('kube-api-access-')
  if (hostPath) return mustBeThere.has(hostPath.type ?? '')
  return (configMap ?? secret ?? persistentVolumeClaim ?? ephemeral ?? csi) !== undefined
}

function containersOf({ containers, initContainers, ephemeralContainers }: Frozen<Pod['spec']>) {
  if (!initContainers && !ephemeralContainers) return containers
  return [...(initContainers ?? []), ...containers, ...((ephemeralContainers ?? []) as readonly Frozen<Container>[])]
}

function refersInEnvironment({ env, envFrom }: Frozen<Pick<Container, 'env' | 'envFrom'>>): boolean {
  if (envFrom?.length) return true
  return env?.some(({ valueFrom }) => valueFrom?.configMapKeyRef ?? valueFrom?.secretKeyRef) ?? false
}

export class References {
  readonly #pod: Frozen<Pod>
  readonly #client: Client
  readonly #attachments: (node: string) => readonly Frozen<VolumeAttachment>[]
  readonly #hostPathFault: HostPathFault
  readonly #environmentFor: (container: Frozen<Container>) => Promise<ReadonlyMap<string, string>>
  readonly #found = new Map<string, Promise<Frozen<KubeObject> | undefined>>()

  constructor(
    pod: Frozen<Pod>,
    client: Client,
    attachments: (node: string) => readonly Frozen<VolumeAttachment>[],
    hostPathFault: HostPathFault,
    environmentFor: (container: Frozen<Container>) => Promise<ReadonlyMap<string, string>>,
  ) {
    this.#environmentFor = environmentFor
    this.#hostPathFault = hostPathFault
    this.#pod = pod
    this.#client = client
    this.#attachments = attachments
  }

  /** Why its volumes cannot all be mounted now: the first one's reason. */
  async obstacle(): Promise<Obstacle | undefined> {
    for (const volume of this.#pod.spec.volumes ?? []) {
      if (!isReference(volume)) continue
      const claim = claimOfVolume(this.#pod, volume)
      const found = claim === undefined ? await this.#setUp(volume) : await this.#claim(volume.name, claim)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** The secrets for pulling images that are not there: it is pulled without them. */
  async pullSecrets(): Promise<readonly string[]> {
    const missing: string[] = []
    for (const { name = '' } of this.#pod.spec.imagePullSecrets ?? []) {
      if ((await this.#find(Secrets, name)) === undefined) missing.push(name)
    }
    return missing
  }

  /** What the secrets for pulling that are there name: registries, or folders in them. */
  async registries(): Promise<readonly string[]> {
    const named: string[] = []
    for (const { name = '' } of this.#pod.spec.imagePullSecrets ?? []) {
      const secret = await this.#find<Secret>(Secrets, name)
      if (secret !== undefined) named.push(...registriesIn(secret))
    }
    return named
  }

  /** By container: why its environment cannot be made. */
  async faults(): Promise<ReadonlyMap<string, string>> {
    const faults = new Map<string, string>()
    for (const container of containersOf(this.#pod.spec)) {
      const fault = refersInEnvironment(container) ? await this.#environment(container) : undefined
      if (fault === undefined && hasSubPathExpressions(container)) {
        const path = subPathFault(container, await this.#environmentFor(container))
        if (path !== undefined) faults.set(container.name, path)
      }
      if (fault !== undefined) faults.set(container.name, fault)
    }
    return faults
  }

  async #setUp(volume: Frozen<Volume>): Promise<Obstacle | undefined> {
    const fault = await this.#content(volume)
    if (fault === undefined) return undefined
    return { kind: 'set-up', message: `MountVolume.SetUp failed for volume ${JSON.stringify(volume.name)} : ${fault}` }
  }

  async #content({ configMap, secret, projected, csi, hostPath }: Frozen<Volume>): Promise<string | undefined> {
    if (hostPath) return this.#hostPathFault(this.#pod.spec.nodeName ?? '', hostPath.path, hostPath.type ?? '')
    if (configMap) return this.#configMap(configMap)
    if (secret) return this.#secret({ ...secret, name: secret.secretName })
    if (projected) return this.#projected(projected.sources ?? [])
    if (csi && csi.driver !== registeredDriver) {
      return `kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: ${unregistered(csi.driver)}`
    }
    return undefined
  }

  async #projected(sources: readonly Frozen<VolumeProjection>[]): Promise<string | undefined> {
    const faults: string[] = []
    for (const { configMap, secret, podCertificate } of sources) {
      // As it is with upstream's own default, nobody asks for them (feature PodCertificateRequest).
      if (podCertificate) faults.push(`kubesim makes no pod certificates (signer ${podCertificate.signerName})`)
      const fault = configMap ? await this.#configMap(configMap) : secret && (await this.#secret(secret))
      if (fault !== undefined && !faults.includes(fault)) faults.push(fault)
    }
    return faults.length > 1 ? `[${faults.join(', ')}]` : faults[0]
  }

  async #configMap({ name = '', items, optional }: Frozen<Wanted>): Promise<string | undefined> {
    const map = await this.#find<ConfigMap>(ConfigMaps, name)
    if (map === undefined) return optional ? undefined : missing('configmap', name)
    const key = optional ? undefined : absent(items, { ...map.data, ...map.binaryData })
    return key === undefined ? undefined : `configmap references non-existent config key: ${key}`
  }

  async #secret({ name = '', items, optional }: Frozen<Wanted>): Promise<string | undefined> {
    const secret = await this.#find<Secret>(Secrets, name)
    if (secret === undefined) return optional ? undefined : missing('secret', name)
    const key = optional ? undefined : absent(items, secret.data ?? {})
    return key === undefined ? undefined : `references non-existent secret key: ${key}`
  }

  async #claim(volume: string, name: string): Promise<Obstacle | undefined> {
    const claim = await this.#find<PersistentVolumeClaim>(PersistentVolumeClaims, name)
    const fault = this.#claimFault(claim, name)
    if (fault !== undefined) {
      const of = `error processing PVC ${this.#pod.metadata.namespace}/${name}: ${fault}`
      const which = `unmounted volumes=[${volume}], unattached volumes=[], failed to process volumes=[${volume}]`
      return { kind: 'claim', message: `Unable to attach or mount volumes: ${which}: ${of}` }
    }
    const its = await this.#find<PersistentVolume>(PersistentVolumes, claim!.spec.volumeName!, undefined)
    const driver = its?.spec.csi?.driver
    if (driver === undefined) return undefined
    if (!(await this.#isAttached(its!, driver))) return { kind: 'attach', message: `volume ${its!.metadata.name}` }
    if (driver === registeredDriver) return undefined
    const message = `kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: ${unregistered(driver)}`
    return { kind: 'set-up', message: `MountVolume.MountDevice failed for volume "${its!.metadata.name}" : ${message}` }
  }

  async #isAttached({ metadata: { name } }: Frozen<PersistentVolume>, driver: string): Promise<boolean> {
    const known = await this.#find<CSIDriver>(CSIDrivers, driver)
    if (known?.spec.attachRequired === false) return true
    return this.#attachments(this.#pod.spec.nodeName!).some(
      ({ spec, status }) => spec.source.persistentVolumeName === name && status.attached,
    )
  }

  #claimFault(claim: Frozen<PersistentVolumeClaim> | undefined, name: string): string | undefined {
    if (claim === undefined) {
      return `failed to fetch PVC from API server: persistentvolumeclaims ${JSON.stringify(name)} not found`
    }
    if (claim.metadata.deletionTimestamp !== undefined) return 'PVC is being deleted'
    if (claim.status.phase !== 'Bound') return 'PVC is not bound'
    return claim.spec.volumeName ? undefined : 'PVC has empty pvc.Spec.VolumeName'
  }

  /** All of `envFrom` first, then each variable: the first that is missing is told. */
  async #environment({ env, envFrom }: Frozen<Pick<Container, 'env' | 'envFrom'>>): Promise<string | undefined> {
    for (const { configMapRef, secretRef } of envFrom ?? []) {
      const fault = configMapRef ? await this.#configMap(configMapRef) : secretRef && (await this.#secret(secretRef))
      if (fault !== undefined) return fault
    }
    const place = this.#pod.metadata.namespace
    for (const { valueFrom } of env ?? []) {
      const ref = valueFrom?.configMapKeyRef ?? valueFrom?.secretKeyRef
      if (ref === undefined) continue
      const fault = await (valueFrom?.configMapKeyRef
        ? this.#configMap({ ...ref, items: undefined })
        : this.#secret({ ...ref, items: undefined }))
      if (fault !== undefined) return fault
      const kind = valueFrom?.configMapKeyRef ? 'ConfigMap' : 'Secret'
      const object = await this.#find<ConfigMap | Secret>(kind === 'ConfigMap' ? ConfigMaps : Secrets, ref.name ?? '')
      if (object === undefined || ref.optional || Object.hasOwn(object.data ?? {}, ref.key)) continue
      return `couldn't find key ${ref.key} in ${kind} ${place}/${ref.name}`
    }
    return undefined
  }

  /** Asked once for each turn. */
  #find<T extends KubeObject>(
    kind: Kind<any>,
    name: string,
    namespace: string | undefined = kind.namespaced ? this.#pod.metadata.namespace : undefined,
  ): Promise<Frozen<T> | undefined> {
    const key = `${kind.plural}/${name}`
    let found = this.#found.get(key)
    if (found === undefined) {
      found = this.#client
        .of(kind)
        .get({ name, namespace })
        .catch(error => {
          if (!isNotFound(error)) throw error
          return undefined
        })
      this.#found.set(key, found)
    }
    return found as Promise<Frozen<T> | undefined>
  }
}

interface Wanted {
  readonly name?: string | undefined
  readonly items?: readonly KeyToPath[] | undefined
  readonly optional?: boolean | undefined
}

/** `auths` of .dockerconfigjson, or the whole of the older .dockercfg. */
function registriesIn({ type, data }: Frozen<Secret>): readonly string[] {
  const key = type === 'kubernetes.io/dockercfg' ? '.dockercfg' : '.dockerconfigjson'
  try {
    const read = JSON.parse(Buffer.from(data?.[key] ?? '', 'base64').toString()) as Record<string, unknown>
    const auths = key === '.dockercfg' ? read : read.auths
    return auths !== null && typeof auths === 'object' ? Object.keys(auths) : []
  } catch {
    return []
  }
}

const missing = (kind: string, name: string): string => `${kind} ${JSON.stringify(name)} not found`
const unregistered = (driver: string): string => `driver name ${driver} not found in the list of registered CSI drivers`

function absent(items: readonly Frozen<KeyToPath>[] | undefined, data: object): string | undefined {
  return items?.find(({ key }) => !Object.hasOwn(data, key))?.key
}
