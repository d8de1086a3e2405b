// DefaultIngressClass: an Ingress that names no class gets the one marked as default
// (plugin/pkg/admission/network/defaultingressclass/admission.go; of several defaults, the newest).

import type { Ingress } from '../../generated/types.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { Ingresses } from '../../src/kinds/ingress.ts'
import { IngressClasses } from '../../src/kinds/ingressclass.ts'
import { prefixOf } from '../storage/keys.ts'
import type { Admission } from './admission.ts'

const isDefault = 'ingressclass.kubernetes.io/is-default-class'
const oldWay = 'kubernetes.io/ingress.class'

export const defaultIngressClass: Admission = {
  name: 'DefaultIngressClass',
  concerns: kind => kind === Ingresses,
  admit(draft, { operation, subresource, present }) {
    if (operation !== 'CREATE' || subresource !== undefined) return
    const ingress = draft as Ingress
    if (ingress.spec.ingressClassName !== undefined || ingress.metadata.annotations?.[oldWay] !== undefined) return
    let newest: Frozen<KubeObject> | undefined
    for (const { object } of present.list(prefixOf(IngressClasses))) {
      if (object.metadata.annotations?.[isDefault] !== 'true') continue
      if (newest === undefined || isNewer(object, newest)) newest = object
    }
    if (newest !== undefined) ingress.spec.ingressClassName = newest.metadata.name
  },
}

/** Of the same age, the first by name; they are seen in that order. */
const isNewer = (one: Frozen<KubeObject>, other: Frozen<KubeObject>): boolean =>
  (one.metadata.creationTimestamp ?? '') > (other.metadata.creationTimestamp ?? '')
