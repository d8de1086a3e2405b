// What is asked of the door and what it refuses, told to those who watch the control plane's traffic. Called by answering.ts while
// somebody does.

import type { ApiError } from '../../src/api/errors.ts'
import type { Place, Traffic } from '../../src/env/traffic.ts'
import type { User } from '../registry/registry.ts'
import type { RequestAttributes } from './request-attributes.ts'

/** Tells of the request; what is returned tells of its refusal. */
export function tellAsked(
  traffic: Traffic,
  { name: user }: User,
  attributes: RequestAttributes,
  userAgent: string | undefined,
): (error: ApiError) => void {
  const { verb, group, resource, subresource, namespace, name } = attributes
  const whole = group === '' ? resource : `${resource}.${group}`
  const object: Place = {
    resource: subresource === '' ? whole : `${whole}/${subresource}`,
    ...(namespace === '' || resource === 'namespaces' ? {} : { namespace }),
    name,
  }
  const by = userAgent?.split(/[/ ]/, 1)[0] ?? ''
  traffic.tell({ step: 'request', user, verb, by, object })
  return ({ code, message }) => traffic.tell({ step: 'refusal', user, verb, object, code, message })
}
