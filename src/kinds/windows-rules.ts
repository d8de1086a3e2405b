// What may stand in a pod of one operating system only (validateLinux, validateWindows, validateWindowsHostProcessPod in
// pkg/apis/core/validation/validation.go).

import type { PodSpec } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { visitContainers } from './pod-spec-rules.ts'

export function linuxOnlyRules(spec: Frozen<PodSpec>, path: FieldPath, faults: Faults): void {
  const detail = 'windows options cannot be set for a linux pod'
  if (spec.securityContext?.windowsOptions) faults.forbidden(path.child('securityContext', 'windowsOptions'), detail)
  visitContainers(spec, path, ({ securityContext }, at) => {
    if (securityContext?.windowsOptions) faults.forbidden(at.child('securityContext', 'windowsOptions'), detail)
  })
}

const notOfWindowsPods = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
  'seLinuxChangePolicy',
] as const

const notOfWindowsContainers = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const

export function windowsOnlyRules(spec: Frozen<PodSpec>, path: FieldPath, faults: Faults): void {
  const detail = 'cannot be set for a windows pod'
  const context = spec.securityContext
  for (const name of notOfWindowsPods) {
    const value: unknown = context?.[name]
    if (value !== undefined && !(name === 'sysctls' && (value as unknown[]).length === 0)) {
      faults.forbidden(path.child('securityContext', name), detail)
    }
  }
  for (const name of ['hostUsers', 'shareProcessNamespace'] as const) {
    if (spec[name] !== undefined) faults.forbidden(path.child(name), detail)
  }
  for (const name of ['hostPID', 'hostIPC'] as const) if (spec[name]) faults.forbidden(path.child(name), detail)
  visitContainers(spec, path, ({ securityContext }, at) => {
    for (const name of notOfWindowsContainers) {
      if (securityContext?.[name] !== undefined) faults.forbidden(at.child('securityContext', name), detail)
    }
  })
}

export function windowsHostProcessRules(spec: Frozen<PodSpec>, path: FieldPath, faults: Faults): void {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess
  let count = 0
  let hostProcesses = 0
  visitContainers(spec, path, ({ securityContext }, at) => {
    count++
    const own = securityContext?.windowsOptions?.hostProcess
    if (own ?? ofPod) hostProcesses++
    if (ofPod !== undefined && own !== undefined && own !== ofPod) {
      const detail = `pod hostProcess value must be identical if both are specified, was ${ofPod}`
      faults.invalid(at.child('securityContext', 'windowsOptions', 'hostProcess'), own, detail)
    }
  })
  if (hostProcesses === 0) return
  if (hostProcesses !== count) {
    const detail = 'If pod contains any hostProcess containers then all containers must be HostProcess containers'
    faults.invalid(path, '', detail)
  }
  if (!spec.hostNetwork) {
    const detail = 'hostNetwork must be true if pod contains any hostProcess containers'
    faults.invalid(path.child('hostNetwork'), false, detail)
  }
}
