// generateName: a base and five letters. The base is cut so that the whole still is a name
// (k8s.io/apiserver/pkg/storage/names/generate.go).

import type { Random } from '../../src/env/random.ts'

const suffixLength = 5
const longestName = 63

export function generatedName(base: string, random: Random): string {
  return base.slice(0, longestName - suffixLength) + random.suffix(suffixLength)
}

/** How often another suffix is tried when the name is taken already (registry/generic/registry/store.go). */
export const generateNameAttempts = 8
