// ImageLocality: nodes that have the pod's images already come first, the more so the larger these are and the more nodes
// have them, so that not all pods of an image end on the one node that has it (plugins/imagelocality/image_locality.go).

import { highestScore, type Plugin } from '../plugin.ts'

const megabyte = 1024 * 1024
const least = 23 * megabyte
const mostOfContainer = 1000 * megabyte

export const imageLocality: Plugin = {
  name: 'ImageLocality',
  weight: 1,
  prepare: ({ spec: { containers, initContainers = [], volumes = [] } }, snapshot) => {
    const images: string[] = []
    for (const { image } of [...initContainers, ...containers]) images.push(normalized(image ?? ''))
    for (const { image } of volumes) if (image !== undefined) images.push(normalized(image.reference ?? ''))
    if (!images.some(image => snapshot.imageSpread(image) > 0)) return {}
    const nodeCount = snapshot.nodes.length
    const most = mostOfContainer * images.length
    return {
      score: node => {
        let sum = 0
        for (const image of images) {
          const size = node.images.get(image)
          if (size !== undefined) sum += Math.floor(size * (snapshot.imageSpread(image) / nodeCount))
        }
        const bounded = Math.min(most, Math.max(least, sum))
        return Math.floor((highestScore * (bounded - least)) / (most - least))
      },
    }
  },
}

/** A name without a tag means `latest`. */
function normalized(name: string): string {
  return name.lastIndexOf(':') <= name.lastIndexOf('/') ? `${name}:latest` : name
}
