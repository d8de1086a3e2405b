// ServiceAccount: every new pod runs as one, with the volume that holds its token, and uses only such secrets as the account
// may, if that is so restricted (plugin/pkg/admission/serviceaccount/admission.go).

import type { Container, Pod, PodSpec, ServiceAccount, Volume } from '../../generated/types.ts'
import { forbidden } from '../../src/api/errors.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { Random } from '../../src/env/random.ts'
import { Pods } from '../../src/kinds/pod.ts'
import { secretNames } from '../../src/kinds/pod-references.ts'
import { ServiceAccounts } from '../../src/kinds/serviceaccount.ts'
import { keyOf } from '../storage/keys.ts'
import { type Admission, type AdmissionRequest, NotYet } from './admission.ts'

const isNewPod = ({ kind, operation, subresource }: AdmissionRequest): boolean =>
  kind === Pods && operation === 'CREATE' && subresource === undefined

const mirrorAnnotation = 'kubernetes.io/config.mirror'
const volumePrefix = 'kube-api-access-'
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
/** An hour, and seven seconds by which a kubelet knows that the default was meant. */
const tokenSeconds = 3607

export function podServiceAccount(random: Random): Admission {
  return {
    name: 'ServiceAccount',
    concerns: kind => kind === Pods,
    admit(draft, request) {
      if (!isNewPod(request)) return
      const pod = draft as Pod
      if (isMirror(pod)) return
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
    check(next, request) {
      if (!isNewPod(request)) return
      const pod = next as Frozen<Pod>
      if (isMirror(pod)) refuseReferencesOfMirror(pod, request)
      else limitSecrets(pod, request)
    },
  }
}

const isMirror = ({ metadata }: Frozen<Pod>): boolean => metadata.annotations?.[mirrorAnnotation] !== undefined

function refuseReferencesOfMirror({ spec }: Frozen<Pod>, { kind, name }: AdmissionRequest): void {
  if (spec.serviceAccountName) throw forbidden(kind, name, 'a mirror pod may not reference service accounts')
  if (secretNames(spec).length > 0) throw forbidden(kind, name, 'a mirror pod may not reference secrets')
  if (spec.volumes?.some(({ projected }) => projected?.sources?.some(source => source.serviceAccountToken))) {
    throw forbidden(kind, name, 'a mirror pod may not use ServiceAccountToken volume projections')
  }
}

// ---- secrets, where the account says that it alone decides which

const enforceAnnotation = 'kubernetes.io/enforce-mountable-secrets'
/** What Go's strconv.ParseBool takes for true. */
const trueWords = ['1', 't', 'T', 'true', 'TRUE', 'True']

function limitSecrets(pod: Frozen<Pod>, request: AdmissionRequest): void {
  const account = accountOf(pod.spec, request)
  if (!trueWords.includes(account.metadata.annotations?.[enforceAnnotation] ?? '')) return
  const { kind, name } = request
  const mountable = new Set(account.secrets?.map(secret => secret.name))
  const refuse = (what: string): never => {
    const why = `${what} is not allowed because service account ${account.metadata.name} does not reference that secret`
    throw forbidden(kind, name, why)
  }
  for (const { secret } of pod.spec.volumes ?? []) {
    if (secret && !mountable.has(secret.secretName)) refuse(`volume with secret.secretName="${secret.secretName}"`)
  }
  for (const [what, list] of [
    ['init container', pod.spec.initContainers],
    ['container', pod.spec.containers],
  ] as const) {
    for (const container of list ?? []) {
      for (const { name: variable, valueFrom } of container.env ?? []) {
        const wanted = valueFrom?.secretKeyRef?.name
        if (wanted === undefined || mountable.has(wanted)) continue
        refuse(`${what} ${container.name} with envVar ${variable} referencing secret.secretName="${wanted}"`)
      }
      for (const { secretRef } of container.envFrom ?? []) {
        if (!secretRef || mountable.has(secretRef.name)) continue
        refuse(`${what} ${container.name} with envFrom referencing secret.secretName="${secretRef.name}"`)
      }
    }
  }
  const pulls = new Set(account.imagePullSecrets?.map(secret => secret.name))
  for (const [index, { name: wanted }] of (pod.spec.imagePullSecrets ?? []).entries()) {
    if (pulls.has(wanted)) continue
    const what = `imagePullSecrets[${index}].name="${wanted}"`
    const why = `${what} is not allowed because service account ${account.metadata.name} does not reference that imagePullSecret`
    throw forbidden(kind, name, why)
  }
}

// ---- the account and its token

/** The account `default` is made for every namespace a moment after it, so its absence may be a matter of that moment. */
function accountOf(spec: Frozen<PodSpec>, request: AdmissionRequest): Frozen<ServiceAccount> {
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
