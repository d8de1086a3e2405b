// The rules of security contexts, of a container and of a pod (ValidateSecurityContext, validatePodSpecSecurityContext
// in pkg/apis/core/validation/validation.go). Privileged containers are allowed, as in every common cluster.

import type {
  AppArmorProfile,
  PodSecurityContext,
  PodSpec,
  SeccompProfile,
  SecurityContext,
  Sysctl,
  WindowsSecurityContextOptions,
} from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123SubdomainFaults } from '../api/names.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { descendingPath, linuxId, optionalOneOf } from './field-rules.ts'

export function containerSecurityRules(
  context: Frozen<SecurityContext>,
  usesHostUsers: boolean,
  path: FieldPath,
  faults: Faults,
): void {
  linuxId(context.runAsUser, path, 'runAsUser', faults)
  linuxId(context.runAsGroup, path, 'runAsGroup', faults)
  const { procMount, privileged, capabilities } = context
  if (procMount !== undefined) {
    if (procMount !== 'Default' && procMount !== 'Unmasked') {
      faults.notSupported(path.child('procMount'), procMount, ['Default', 'Unmasked'])
    }
    if (usesHostUsers && procMount === 'Unmasked') {
      faults.invalid(path.child('procMount'), procMount, '`hostUsers` must be false to use `Unmasked`')
    }
  }
  if (context.seccompProfile) seccompRules(context.seccompProfile, path.child('seccompProfile'), faults)
  if (context.allowPrivilegeEscalation === false) {
    if (privileged) {
      faults.invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true')
    }
    if (capabilities?.add?.includes('CAP_SYS_ADMIN')) {
      const detail = 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'
      faults.invalid(path, context, detail)
    }
  }
  if (context.windowsOptions) windowsOptionRules(context.windowsOptions, path.child('windowsOptions'), faults)
  if (context.appArmorProfile) appArmorRules(context.appArmorProfile, path.child('appArmorProfile'), faults)
}

export function podSecurityRules(
  context: Frozen<PodSecurityContext>,
  spec: Frozen<PodSpec>,
  path: FieldPath,
  faults: Faults,
): void {
  linuxId(context.fsGroup, path, 'fsGroup', faults)
  linuxId(context.runAsUser, path, 'runAsUser', faults)
  linuxId(context.runAsGroup, path, 'runAsGroup', faults)
  for (const [index, group] of (context.supplementalGroups ?? []).entries()) {
    if (group < 0 || group > 2147483647) linuxId(group, path, `supplementalGroups[${index}]`, faults)
  }
  if (context.sysctls?.length) sysctlRules(context.sysctls, spec, path.child('sysctls'), faults)
  optionalOneOf(context.fsGroupChangePolicy, ['Always', 'OnRootMismatch'], path, 'fsGroupChangePolicy', faults)
  if (context.seccompProfile) seccompRules(context.seccompProfile, path.child('seccompProfile'), faults)
  if (context.windowsOptions) windowsOptionRules(context.windowsOptions, path.child('windowsOptions'), faults)
  if (context.appArmorProfile) appArmorRules(context.appArmorProfile, path.child('appArmorProfile'), faults)
  optionalOneOf(context.supplementalGroupsPolicy, ['Merge', 'Strict'], path, 'supplementalGroupsPolicy', faults)
  optionalOneOf(context.seLinuxChangePolicy, ['MountOption', 'Recursive'], path, 'seLinuxChangePolicy', faults)
}

const sysctlForm = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$'
const sysctlName = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/

function sysctlRules(sysctls: readonly Frozen<Sysctl>[], spec: Frozen<PodSpec>, path: FieldPath, faults: Faults): void {
  const seen = new Set<string>()
  for (const [index, { name }] of sysctls.entries()) {
    const at = path.index(index).child('name')
    if (!name) faults.required(at)
    else if (name.length > 253 || !sysctlName.test(name)) {
      faults.invalid(at, name, `must have at most 253 characters and match regex ${sysctlForm}`)
    } else if (seen.has(name)) faults.duplicate(at, name)
    const dotted = (name ?? '').replaceAll('/', '.')
    if (spec.hostNetwork && dotted.startsWith('net.')) {
      faults.invalid(at, name, "may not be specified when 'hostNetwork' is true")
    } else if (spec.hostIPC && /^(kernel\.(sem$|shm|msg)|fs\.mqueue\.)/.test(dotted)) {
      faults.invalid(at, name, "may not be specified when 'hostIPC' is true")
    }
    seen.add(name)
  }
}

const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined']

function seccompRules(profile: Frozen<SeccompProfile>, path: FieldPath, faults: Faults): void {
  if (!profile.type) faults.required(path.child('type'), 'type is required when seccompProfile is set')
  else if (!profileTypes.includes(profile.type)) {
    faults.notSupported(path.child('type'), profile.type, profileTypes)
  }
  const file = profile.localhostProfile
  if (profile.type === 'Localhost') {
    if (file === undefined) {
      faults.required(path.child('localhostProfile'), 'must be set when seccomp type is Localhost')
    } else descendingPath(file, path.child('localhostProfile'), faults)
  } else if (file !== undefined) {
    faults.invalid(path.child('localhostProfile'), profile, 'can only be set when seccomp type is Localhost')
  }
}

function appArmorRules(profile: Frozen<AppArmorProfile>, path: FieldPath, faults: Faults): void {
  const name = profile.localhostProfile
  const at = path.child('localhostProfile')
  switch (profile.type) {
    case 'Localhost':
      if (name === undefined) {
        faults.required(at, 'must be set when AppArmor type is Localhost')
        return
      }
      if (name.trim() !== name) faults.invalid(at, name, 'must not be padded with whitespace')
      else if (name === '') faults.required(at, 'must be set when AppArmor type is Localhost')
      if (name.length > 4095) faults.tooLong(at, 4095)
      return
    case 'RuntimeDefault':
    case 'Unconfined':
      if (name !== undefined) faults.invalid(at, name, 'can only be set when AppArmor type is Localhost')
      return
    default:
      if (!profile.type) faults.required(path.child('type'), 'type is required when appArmorProfile is set')
      else faults.notSupported(path.child('type'), profile.type, profileTypes)
  }
}

const netBiosName = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/
const windowsDomain =
  /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/

function windowsOptionRules(options: Frozen<WindowsSecurityContextOptions>, path: FieldPath, faults: Faults): void {
  const { gmsaCredentialSpecName: specName, gmsaCredentialSpec: spec, runAsUserName: name } = options
  if (specName !== undefined)
    faults.invalids(dns1123SubdomainFaults(specName), specName, path, 'gmsaCredentialSpecName')
  if (spec === '')
    faults.invalid(path.child('gmsaCredentialSpec'), spec, 'gmsaCredentialSpec cannot be an empty string')
  else if (spec !== undefined && spec.length > 64 * 1024) {
    faults.invalid(path.child('gmsaCredentialSpec'), spec, 'gmsaCredentialSpec size must be under 64 KiB')
  }
  if (name === undefined) return
  const wrong = (detail: string): void => faults.invalid(path.child('runAsUserName'), name, detail)
  if (name === '') {
    wrong('runAsUserName cannot be an empty string')
    return
  }
  if (/\p{Cc}/u.test(name)) {
    wrong('runAsUserName cannot contain control characters')
    return
  }
  const parts = name.split('\\')
  if (parts.length > 2) {
    wrong('runAsUserName cannot contain more than one backslash')
    return
  }
  const user = parts.at(-1)!
  const domain = parts.length === 2 ? parts[0]! : undefined
  if ((domain?.length ?? 0) >= 256) wrong("runAsUserName's Domain length must be under 256 characters")
  if (domain !== undefined && !netBiosName.test(domain) && !windowsDomain.test(domain)) {
    wrong("runAsUserName's Domain doesn't match the NetBios nor the DNS format")
  }
  if (user === '') wrong("runAsUserName's User cannot be empty")
  else if (user.length > 104) wrong("runAsUserName's User length must not be longer than 104 characters")
  if (/^[. ]+$/.test(user)) wrong("runAsUserName's User cannot contain only periods or spaces")
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) {
    wrong('runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]')
  }
}
