// What every new pod gets: its service account with the volume that holds the token, two tolerations, a priority.
// Upstream's plugins ServiceAccount, DefaultTolerationSeconds and Priority (plugin/pkg/admission/…).

import type { Container, Pod, PodSpec, ServiceAccount, Toleration, Volume } from '../../generated/types.ts'
import { forbidden } from '../../src/api/errors.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { Random } from '../../src/env/random.ts'
import { Pods } from '../../src/kinds/pod.ts'
import { ServiceAccounts } from '../../src/kinds/serviceaccount.ts'
import { keyOf } from '../storage/keys.ts'
import { type Admission, type AdmissionRequest, NotYet } from './admission.ts'

const isNewPod = ({ kind, operation, subresource }: AdmissionRequest): boolean =>
  kind === Pods && operation === 'CREATE' && subresource === undefined

// ---- ServiceAccount

const mirrorAnnotation = 'kubernetes.io/config.mirror'
const volumePrefix = 'kube-api-access-'
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
/** An hour, and seven seconds by which a kubelet knows that the default was meant. */
const tokenSeconds = 3607

export function podServiceAccount(random: Random): Admission {
  return {
    name: 'ServiceAccount',
    admit(draft, request) {
      if (!isNewPod(request)) return
      const pod = draft as Pod
      if (pod.metadata.annotations?.[mirrorAnnotation] !== undefined) return refuseAccountOfMirror(pod, request)
      const { spec } = pod
      if (!spec.serviceAccountName) spec.serviceAccountName = 'default'
      spec.serviceAccount = spec.serviceAccountName
      const account = accountOf(spec, request)
      const automount = spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true
      if (automount) mountToken(spec, random)
      if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
        spec.imagePullSecrets = account.imagePullSecrets.map(({ name }) => (name === undefined ? {} : { name }))
      }
    },
  }
}

function refuseAccountOfMirror({ spec }: Pod, { kind, name }: AdmissionRequest): void {
  if (spec.serviceAccountName) throw forbidden(kind, name, 'a mirror pod may not reference service accounts')
  if (spec.volumes?.some(volume => volume.secret !== undefined)) {
    throw forbidden(kind, name, 'a mirror pod may not reference secrets')
  }
}

/** The account `default` is made for every namespace a moment after it, so its absence may be a matter of that moment. */
function accountOf(spec: PodSpec, request: AdmissionRequest): Frozen<ServiceAccount> {
  const { kind, name, namespace, present } = request
  const account = spec.serviceAccountName!
  const key = keyOf(ServiceAccounts, { name: account, namespace })
  const found = present.get(key)
  if (found !== undefined) return found.object as Frozen<ServiceAccount>
  const why = `error looking up service account ${namespace}/${account}: serviceaccount "${account}" not found`
  throw account === 'default' ? new NotYet(request, why, key) : forbidden(kind, name, why)
}

function mountToken(spec: PodSpec, random: Random): void {
  const existing = spec.volumes?.find(volume => isTokenVolume(volume))
  const name = existing?.name ?? volumePrefix + random.suffix(5)
  let isMounted = false
  for (const container of spec.initContainers ?? []) isMounted = mountIn(container, name) || isMounted
  for (const container of spec.containers) isMounted = mountIn(container, name) || isMounted
  if (!isMounted || existing !== undefined) return
  spec.volumes ??= []
  spec.volumes.push(tokenVolume(name))
}

const isTokenVolume = ({ name, projected }: Volume): boolean =>
  name.startsWith(volumePrefix) && projected?.sources?.some(source => source.serviceAccountToken) === true

function mountIn(container: Container, name: string): boolean {
  const mounts = container.volumeMounts
  if (mounts?.some(mount => mount.mountPath === mountPath)) return false
  const mount = { name, readOnly: true, mountPath }
  if (mounts === undefined) container.volumeMounts = [mount]
  else mounts.push(mount)
  return true
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
      defaultMode: 0o644,
    },
  }
}

// ---- DefaultTolerationSeconds: a pod outlives a silent node by five minutes

const nodeTaints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']

export const podTolerations: Admission = {
  name: 'DefaultTolerationSeconds',
  admit(draft, request) {
    if (!isNewPod(request)) return
    const { spec } = draft as Pod
    for (const key of nodeTaints) {
      if (spec.tolerations?.some(toleration => toleratesEviction(toleration, key))) continue
      spec.tolerations ??= []
      spec.tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 })
    }
  },
}

const toleratesEviction = ({ key, effect }: Toleration, taint: string): boolean =>
  (!key || key === taint) && (!effect || effect === 'NoExecute')

// ---- Priority: no PriorityClass is served yet, so there are the two that every cluster has, and none

const systemClasses: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
}

export const podPriority: Admission = {
  name: 'Priority',
  admit(draft, request) {
    if (!isNewPod(request)) return
    const { spec } = draft as Pod
    const priority = priorityOf(spec.priorityClassName, request)
    if (spec.priority !== undefined && spec.priority !== priority) {
      throw forbidden(
        request.kind,
        request.name,
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${priority} from the given PriorityClass name`,
      )
    }
    spec.priority = priority
    const policy = 'PreemptLowerPriority'
    if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
      throw forbidden(
        request.kind,
        request.name,
        `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
      )
    }
    spec.preemptionPolicy = policy
  },
}

function priorityOf(name: string | undefined, { kind, name: pod }: AdmissionRequest): number {
  if (!name) return 0
  if (Object.hasOwn(systemClasses, name)) return systemClasses[name]!
  throw forbidden(kind, pod, `no PriorityClass with name ${name} was found`)
}
