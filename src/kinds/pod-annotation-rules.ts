// The rules of annotations that mean something on a pod: mirror pods, deletion cost, and the annotations that came before
// the seccomp and AppArmor fields (ValidatePodSpecificAnnotations in pkg/apis/core/validation/validation.go).

import type { PodSpec } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import type { AnyContainer } from './container-rules.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { root } from './field-path.ts'
import { descendingPath } from './field-rules.ts'
import { visitContainers } from './pod-spec-rules.ts'

type Annotations = Readonly<Record<string, string>>

const mirror = 'kubernetes.io/config.mirror'
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost'
const appArmor = 'container.apparmor.security.beta.kubernetes.io/'
const seccompPod = 'seccomp.security.alpha.kubernetes.io/pod'
const seccompContainer = 'container.seccomp.security.alpha.kubernetes.io/'

export function podAnnotationRules(
  annotations: Annotations | undefined,
  spec: Frozen<PodSpec>,
  path: FieldPath,
  faults: Faults,
): void {
  for (const key in annotations) {
    const value = annotations[key]!
    if (key === mirror && !spec.nodeName) {
      faults.invalid(path.key(key), value, 'must set spec.nodeName if mirror pod annotation is set')
    } else if (key === deletionCost && !isInt32(value)) {
      faults.invalid(path.key(key), value, 'must be a 32bit integer')
    } else if (key === seccompPod || key.startsWith(seccompContainer)) seccompRule(value, path.child(key), faults)
    else if (key.startsWith(appArmor)) appArmorRule(key, value, spec, path, faults)
  }
}

/** A leading plus or needless zeros are refused too (helper.validFirstDigit). */
function isInt32(text: string): boolean {
  const value = Number(text)
  return /^(0|-?[1-9][0-9]*)$/.test(text) && value >= -(2 ** 31) && value < 2 ** 31
}

function seccompRule(profile: string, path: FieldPath, faults: Faults): void {
  if (profile === 'runtime/default' || profile === 'docker/default' || profile === 'unconfined') return
  if (profile.startsWith('localhost/')) descendingPath(profile.slice('localhost/'.length), path, faults)
  else faults.invalid(path, profile, 'must be a valid seccomp profile')
}

function appArmorRule(key: string, profile: string, spec: Frozen<PodSpec>, path: FieldPath, faults: Faults): void {
  const name = key.slice(appArmor.length)
  let isKnown = false
  visitContainers(spec, root, container => {
    if (container.name === name) isKnown = true
  })
  if (!isKnown) faults.invalid(path.key(key), name, 'container not found')
  if (
    profile !== '' &&
    profile !== 'runtime/default' &&
    profile !== 'unconfined' &&
    !profile.startsWith('localhost/')
  ) {
    faults.invalid(path.key(key), profile, `invalid AppArmor profile name: ${JSON.stringify(profile)}`)
  }
}

/** What an update may not do to them. */
export function podAnnotationUpdateRules(
  next: Annotations | undefined,
  old: Annotations | undefined,
  path: FieldPath,
  faults: Faults,
): void {
  for (const key in old) {
    if (next?.[key] === old[key]) continue
    if (key.startsWith(appArmor)) faults.forbidden(path.key(key), 'may not remove or update AppArmor annotations')
    if (key === mirror) faults.forbidden(path.key(key), 'may not remove or update mirror pod annotation')
  }
  for (const key in next) {
    if (old && key in old) continue
    if (key.startsWith(appArmor)) faults.forbidden(path.key(key), 'may not add AppArmor annotations')
    if (key === mirror) faults.forbidden(path.key(key), 'may not add mirror pod annotation')
  }
}

/** Where both an annotation and the field say something, they must say the same. */
export function profileAgreementRules(
  annotations: Annotations | undefined,
  spec: Frozen<PodSpec>,
  path: FieldPath,
  faults: Faults,
): void {
  if (!annotations) return
  const ofPod = spec.securityContext
  if (ofPod?.seccompProfile && annotations[seccompPod] !== undefined) {
    const at = path.child('securityContext', 'seccompProfile')
    agreement('seccomp', annotations[seccompPod], ofPod.seccompProfile, at, faults)
  }
  visitContainers(spec, path, ({ name, securityContext }: AnyContainer, at) => {
    const seccomp = annotations[`${seccompContainer}${name}`]
    if (seccomp !== undefined && securityContext?.seccompProfile) {
      agreement(
        'seccomp',
        seccomp,
        securityContext.seccompProfile,
        at.child('securityContext', 'seccompProfile'),
        faults,
      )
    }
    const profile = securityContext?.appArmorProfile ?? ofPod?.appArmorProfile
    const armor = annotations[`${appArmor}${name}`]
    if (armor !== undefined && profile && spec.os?.name !== 'windows') {
      agreement('apparmor', armor, profile, at.child('securityContext', 'appArmorProfile'), faults)
    }
  })
}

function agreement(
  what: 'seccomp' | 'apparmor',
  annotation: string,
  profile: { readonly type: string; readonly localhostProfile?: string },
  path: FieldPath,
  faults: Faults,
): void {
  const isSame =
    profile.type === 'Unconfined'
      ? annotation === 'unconfined'
      : profile.type === 'RuntimeDefault'
        ? annotation === 'runtime/default' || (what === 'seccomp' && annotation === 'docker/default')
        : profile.type !== 'Localhost' || annotation.startsWith('localhost/')
  if (!isSame) faults.forbidden(path.child('type'), `${what} type in annotation and field must match`)
  else if (profile.type === 'Localhost' && annotation !== `localhost/${profile.localhostProfile}`) {
    faults.forbidden(path.child('localhostProfile'), `${what} profile in annotation and field must match`)
  }
}
