// Groups below k8s.io and kubernetes.io belong to the community: a definition in one says who approved it
// (apiextensions-apiserver pkg/apihelpers/helpers.go). Asked by the rules of definitions and for their condition.

import type { CustomResourceDefinition } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { parseGoUrl } from './url-rules.ts'

export const approvalAnnotation = 'api-approved.kubernetes.io'

export interface Approval {
  readonly state: 'missing' | 'unapproved' | 'approved' | 'invalid'
  readonly why: string
}

/** Undefined: the group is nobody's concern. */
export function approvalOf({ metadata, spec }: Frozen<CustomResourceDefinition>): Approval | undefined {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(spec.group ?? '')) return undefined
  const text = metadata.annotations?.[approvalAnnotation] ?? ''
  const must = `protected groups must have approval annotation "${approvalAnnotation}"`
  const see = 'see https://github.com/kubernetes/enhancements/pull/1111'
  if (text === '') return { state: 'missing', why: `${must}, ${see}` }
  if (text.startsWith('unapproved')) return { state: 'unapproved', why: `not approved: ${JSON.stringify(text)}` }
  const url = parseGoUrl(text)
  if (typeof url === 'object' && url.host !== '' && url.scheme !== '') {
    return { state: 'approved', why: `approved in ${text}` }
  }
  return { state: 'invalid', why: `${must} with either a URL or a reason starting with "unapproved", ${see}` }
}
