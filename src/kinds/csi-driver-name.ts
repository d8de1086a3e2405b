// What a driver of volumes may be called where others speak of it (ValidateCSIDriverName in
// pkg/apis/core/validation/validation.go): a DNS subdomain in any case, of 63 bytes at most.

import { dns1123SubdomainFaults } from '../api/names.ts'
import type { Faults, FieldPath } from './field-path.ts'

const longest = 63

export function csiDriverNameRules(name: string, path: FieldPath, faults: Faults): void {
  if (name === '') faults.required(path)
  if (name.length > longest) faults.tooLong(path, longest)
  faults.invalids(dns1123SubdomainFaults(name.toLowerCase()), name, path)
}
