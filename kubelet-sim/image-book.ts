// The images that are known: those that objects of kind Image declare, those that earlier versions built into ConfigMaps
// (they carry imageLabel), and those of the catalog, in this order. Asked by whoever looks at a container.

import type { ConfigMap, V1alpha1Image } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import { namesOfImage } from '../src/kinds/image.ts'
import { type ImageName, parseImageName } from '../src/kinds/image-name.ts'
import type { Lister } from '../src/runtime/informer.ts'
import { imageOf, presentLabel } from './images/declared.ts'
import { canonicalName, catalogImage, type Image, imageFromConfigMap, imageLabel, wholeName } from './images.ts'

const byName = 'kubesim-image'
/** The one term under which all objects are found that stand for a registry or folder. */
const anyBelow = '/*'

export class ImageBook {
  /** Why an image cannot be pulled just now, whatever is known of it. */
  pullFault: ((image: string) => string | undefined) | undefined
  private maps: Lister<ConfigMap> | undefined
  private objects: Lister<V1alpha1Image> | undefined
  private readonly read = new WeakMap<Frozen<ConfigMap>, Image>()
  private readonly made = new WeakMap<Frozen<V1alpha1Image>, Map<Image | undefined, Image>>()

  /** From then on it knows what is declared and built. */
  follow(maps: Lister<ConfigMap>, objects: Lister<V1alpha1Image>): void {
    this.maps = maps
    this.objects = objects
    maps.index(byName, map => {
      const image = this.imageIn(map)
      return image === undefined ? [] : [canonicalName(image.name)]
    })
    objects.index(byName, object => namesOfImage(object).map(termOf))
  }

  find(image: string): Image | undefined {
    const name = parseImageName(image)
    if (name === undefined) return undefined
    const object = this.declared(name)
    const catalog = catalogImage(name)
    if (object !== undefined) return this.imageOf(object, catalog)
    return this.builtAs(wholeName(name)) ?? catalog
  }

  /** Every node has it: it was built or loaded into the cluster. */
  isBuilt(image: string): boolean {
    const name = parseImageName(image)
    if (name === undefined) return false
    const object = this.declared(name)
    if (object !== undefined) return object.metadata.labels?.[presentLabel] === 'true'
    return this.builtAs(wholeName(name)) !== undefined
  }

  /** By this tag, else by any tag, else by the longest name of a registry or folder it is in. */
  private declared(name: ImageName): Frozen<V1alpha1Image> | undefined {
    const { objects } = this
    if (objects === undefined) return undefined
    const exact = objects.by(byName, wholeName(name))[0] ?? objects.by(byName, name.repository)[0]
    if (exact !== undefined) return exact
    let found: Frozen<V1alpha1Image> | undefined
    let longest = 0
    for (const object of objects.by(byName, anyBelow)) {
      for (const each of namesOfImage(object)) {
        const folder = folderOf(each)
        if (folder === undefined || folder.length <= longest || !name.repository.startsWith(folder)) continue
        found = object
        longest = folder.length
      }
    }
    return found
  }

  /** What an object does not say of an image of the catalog is as that has it. */
  private imageOf(object: Frozen<V1alpha1Image>, catalog: Image | undefined): Image {
    let images = this.made.get(object)
    if (images === undefined) {
      images = new Map()
      this.made.set(object, images)
    }
    let image = images.get(catalog)
    if (image === undefined) {
      image = { ...catalog, ...imageOf(object) }
      images.set(catalog, image)
    }
    return image
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

/** Whether an object is about an image that a pod names so. */
export function isAbout(object: Frozen<V1alpha1Image>, image: string): boolean {
  const name = parseImageName(image)
  if (name === undefined) return false
  return namesOfImage(object).some(each => {
    const folder = folderOf(each)
    if (folder !== undefined) return name.repository.startsWith(folder)
    const term = termOf(each)
    return term === name.repository || term === wholeName(name)
  })
}

/** `registry.example.com/team/` of `registry.example.com/team/*`. */
function folderOf(declared: string): string | undefined {
  if (!declared.endsWith(anyBelow)) return undefined
  // A name is put into it so that it can be told what the registry is.
  const whole = parseImageName(`${declared.slice(0, -1)}x`)?.repository
  return whole?.slice(0, -1)
}

function termOf(declared: string): string {
  if (declared.endsWith(anyBelow)) return anyBelow
  const name = parseImageName(declared)
  if (name === undefined) return declared
  const hasTag = name.digest !== '' || /:[^/]*$/.test(declared)
  return hasTag ? wholeName(name) : name.repository
}
