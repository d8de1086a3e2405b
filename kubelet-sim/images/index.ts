// The families of images, one file each; and the catalog: every image of them by its repository, `docker.io/library/` and
// `docker.io/` left out. What is not here is an unknown image. Sizes are those of recent amd64 images, give or take: they set
// how long a pull takes and what its event says.

import { agnhost, testImages } from './agnhost.ts'
import { bases } from './base.ts'
import { daemons } from './daemons.ts'
import { databases } from './databases.ts'
import { echo } from './echo.ts'
import { httpd } from './httpd.ts'
import type { Image } from './image.ts'
import { kubectl } from './kubectl.ts'
import { languages } from './languages.ts'
import { nginx } from './nginx.ts'
import { pause } from './pause.ts'
import { stores } from './redis.ts'
import { stress } from './stress.ts'

export const families: Readonly<Record<string, readonly Image[]>> = {
  'base images': bases,
  nginx,
  'other web servers': httpd,
  'small servers': echo,
  'redis and other stores': stores,
  'databases and brokers': databases,
  languages,
  stress,
  daemons,
  kubectl,
  pause,
  agnhost,
  'other test images': testImages,
}

export const catalog: ReadonlyMap<string, Image> = new Map(
  Object.values(families)
    .flat()
    .map(image => [image.name, Object.freeze(whole(image))]),
)

function whole(image: Image): Image {
  const { usage } = image
  return {
    ...(image.ports ? { onTerm: 0 } : {}),
    ...image,
    isOfCatalog: true,
    ...(usage && 'memory' in usage ? { usage: [{ at: 0, ...usage }] } : {}),
  }
}
