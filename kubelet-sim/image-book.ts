// The images that are known: those of the catalog, and those built into the cluster (ConfigMaps that carry imageLabel).

import type { ConfigMap } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import { parseImageName } from '../src/kinds/image-name.ts'
import type { Lister } from '../src/runtime/informer.ts'
import { canonicalName, catalogImage, type Image, imageFromConfigMap, imageLabel, wholeName } from './images.ts'

const byName = 'kubesim-image'

export class ImageBook {
  private maps: Lister<ConfigMap> | undefined
  private readonly read = new WeakMap<Frozen<ConfigMap>, Image>()

  /** From then on it knows what is built. */
  follow(maps: Lister<ConfigMap>): void {
    this.maps = maps
    maps.index(byName, map => {
      const image = this.imageIn(map)
      return image === undefined ? [] : [canonicalName(image.name)]
    })
  }

  find(image: string): Image | undefined {
    const name = parseImageName(image)
    return name && (this.builtAs(wholeName(name)) ?? catalogImage(name))
  }

  isBuilt(image: string): boolean {
    return this.builtAs(canonicalName(image)) !== undefined
  }

  private builtAs(name: string): Image | undefined {
    const map = this.maps?.by(byName, name)[0]
    return map && this.imageIn(map)
  }

  /** A ConfigMap with the label but no image in it is none, rather than the end of every kubelet. */
  imageIn(map: Frozen<ConfigMap>): Image | undefined {
    if (map.metadata.labels?.[imageLabel] !== 'true' || map.metadata.namespace !== 'kube-system') return undefined
    let image = this.read.get(map)
    if (image === undefined) {
      try {
        image = imageFromConfigMap(map)
      } catch {
        return undefined
      }
      this.read.set(map, image)
    }
    return image
  }
}
