// An image whose name does not parse cannot even be asked for: InvalidImageName, until the name is changed.
// Wording: pkg/kubelet/images/image_manager.go, pkg/util/parsers/parsers.go, distribution/reference.

import { parseImageName } from '../../src/kinds/image-name.ts'
import { waiting } from '../containers.ts'
import { type ContainerView, startDue } from '../pod-view.ts'
import type { Stage } from '../stage.ts'

export const naming: Stage<ContainerView> = {
  name: 'naming',
  due(view) {
    if (startDue(view) === undefined) return undefined
    const image = view.spec.image ?? ''
    if (parseImageName(image) !== undefined) return undefined
    const said = view.status.state?.waiting
    return said?.reason === 'InvalidImageName' && said.message === faultOf(image) ? undefined : 0
  },
  apply(view) {
    const message = faultOf(view.spec.image ?? '')
    view.say('Warning', 'InspectFailed', message)
    view.say('Warning', 'Failed', 'Error: InvalidImageName')
    view.set(waiting(view.spec, 'InvalidImageName', message, view.status))
  },
}

export function faultOf(image: string): string {
  return `Failed to apply default image tag "${image}": couldn't parse image name "${image}": ${referenceFault(image)}`
}

/** As distribution/reference words what is wrong with a name that does not parse. */
function referenceFault(image: string): string {
  if (image === '') return 'invalid reference format: repository name must have at least one component'
  if (/^[a-f0-9]{64}$/.test(image)) {
    return `invalid repository name (${image}), cannot specify 64-byte hexadecimal strings`
  }
  const slash = image.indexOf('/')
  const first = slash < 0 ? '' : image.slice(0, slash)
  const isDomain = slash >= 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase())
  const rest = isDomain ? image.slice(slash + 1) : image
  const path = isDomain || rest.includes('/') ? rest : `library/${rest}`
  const colon = path.indexOf(':')
  const repository = colon < 0 ? path : path.slice(0, colon)
  if (repository !== repository.toLowerCase()) {
    return `invalid reference format: repository name (${repository}) must be lowercase`
  }
  return 'invalid reference format'
}
