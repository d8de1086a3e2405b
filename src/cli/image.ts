// kubesim image build|load|ls|rm|pull: images of which the cluster knows what they do, as objects of kind Image. Nothing is
// really built: the Dockerfile is read for what the image would run, listen on and answer.

import { Command } from 'commander'
import type { V1alpha1Image } from '../../generated/types.ts'
import { DockerfileError, readDockerfile } from '../../kubelet-sim/dockerfile.ts'
import { imageObject, imageOf, objectName, presentLabel } from '../../kubelet-sim/images/declared.ts'
import {
  canonicalName,
  catalogImage,
  type Image,
  imageFromConfigMap,
  imageLabel,
  pullOf,
} from '../../kubelet-sim/images.ts'
import { isAlreadyExists } from '../api/errors.ts'
import type { Frozen, NewObject } from '../api/meta.ts'
import type { Client } from '../client/client.ts'
import { ConfigMaps } from '../kinds/configmap.ts'
import { Images, namesOfImage } from '../kinds/image.ts'
import { parseImageName } from '../kinds/image-name.ts'
import { withCluster } from './connect.ts'
import { done, print, progress, table, UserError } from './output.ts'
import { dataDirOption, outputOption } from './settings.ts'

/** Where earlier versions kept what was built. */
const earlier = { namespace: 'kube-system', labelSelector: `${imageLabel}=true` }

interface Options {
  readonly dataDir?: string
}

export function imageCommand(): Command {
  const command = new Command('image').description('build, load, list and remove images')
  command.addCommand(
    dataDirOption(new Command('build'))
      .description('read a Dockerfile, so that pods of this image do what it says')
      .argument('[dir]', 'the build context', '.')
      .requiredOption('-t, --tag <name>', "the image's name, with or without a tag")
      .option('-f, --file <file>', 'the Dockerfile (default: DIR/Dockerfile)')
      .action(async (dir: string, options: Options & { tag: string; file?: string }) => {
        progress(`reading ${options.file ?? `${dir}/Dockerfile`} ...`)
        const image = await build(dir, options.tag, options.file)
        await withCluster(options.dataDir, client => keep(client, imageObject(image)))
        done(`${image.name} is built`)
      }),
  )
  command.addCommand(
    dataDirOption(new Command('load'))
      .description('have images on every node, so that pods of them need not pull')
      .argument('<name...>')
      .action(async (names: string[], options: Options) => {
        await withCluster(options.dataDir, async client => {
          for (const name of names) await load(client, name)
        })
        done(`${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} loaded`)
      }),
  )
  command.addCommand(
    dataDirOption(new Command('pull'))
      .description('pull images to every node, as far as they are there')
      .argument('<name...>')
      .action(async (names: string[], options: Options) => {
        await withCluster(options.dataDir, async client => {
          for (const name of names) await pull(client, name)
        })
        done(`${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} pulled`)
      }),
  )
  command.addCommand(
    outputOption(dataDirOption(new Command('ls')))
      .description('list the images that were built, loaded or declared')
      .action(async (options: Options & { output: string }) => {
        const [objects, images] = await withCluster(options.dataDir, async client => [
          (await client.of(Images).list()).items,
          (await client.of(ConfigMaps).list(earlier)).items.map(imageFromConfigMap),
        ])
        const all = [
          ...objects.flatMap(object => namesOfImage(object).map(name => ({ ...imageOf(object), name }))),
          ...images,
        ]
        print(options.output, all, () =>
          table(
            ['IMAGE', 'PORTS', 'COMMAND'],
            all.map(image => [image.name, (image.ports ?? []).join(','), wordsOf(image)]),
          ),
        )
      }),
  )
  command.addCommand(
    dataDirOption(new Command('rm'))
      .description('forget an image that was built, loaded or declared')
      .argument('<name>')
      .action(async (name: string, options: Options) => {
        await withCluster(options.dataDir, client => remove(client, name))
        done(`${name} is removed`)
      }),
  )
  return command
}

const wordsOf = ({ entrypoint = [], command = [] }: Image): string => [...entrypoint, ...command].join(' ')

async function build(dir: string, tag: string, file: string | undefined) {
  checkName(tag)
  try {
    return await readDockerfile(dir, tag, file)
  } catch (error) {
    const asked = file ?? `${dir}/Dockerfile`
    if (error instanceof DockerfileError) throw new UserError(`${asked}: ${error.message}`)
    const what = 'give the build context as DIR, or the file with --file'
    const { code, path = asked } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new UserError(`there is no ${path}: ${what}`)
    if (code === 'EISDIR') throw new UserError(`${asked} is a folder: ${what}`)
    if (code === 'EACCES') throw new UserError(`${path} may not be read by this user`)
    throw error
  }
}

/** In place of what there was of this name. */
async function keep(client: Client, object: ReturnType<typeof imageObject>): Promise<void> {
  const images = client.of(Images)
  try {
    await images.create(object)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    const { name, labels } = object.metadata
    const body = [
      { op: 'add', path: '/metadata/labels', value: labels },
      { op: 'replace', path: '/spec', value: object.spec },
    ]
    await images.patch({ name }, { type: 'json', body })
  }
  await forgetEarlier(client, object.spec?.names?.[0] ?? '')
}

async function load(client: Client, name: string): Promise<void> {
  checkName(name)
  const known = await find(client, name)
  const labels = { [presentLabel]: 'true' }
  if (known !== undefined) {
    await client.of(Images).patch({ name: known.metadata.name }, { type: 'merge', body: { metadata: { labels } } })
    return
  }
  const object: NewObject<V1alpha1Image> = {
    apiVersion: Images.apiVersion,
    kind: Images.kind,
    metadata: { name: objectName(name), labels },
    spec: { names: [name] },
  }
  await client.of(Images).create(object)
}

async function pull(client: Client, name: string): Promise<void> {
  checkName(name)
  const object = await find(client, name)
  const known = object ? imageOf(object) : catalogImage(parseImageName(name)!)
  const { fails } = pullOf(name, known, false, {})
  if (fails !== undefined) throw new UserError(`failed to pull image "${name}": ${fails}`)
  await load(client, name)
}

async function remove(client: Client, name: string): Promise<void> {
  const object = await find(client, name)
  if (object !== undefined) await client.of(Images).delete({ name: object.metadata.name })
  const wasBuilt = await forgetEarlier(client, name)
  if (object === undefined && !wasBuilt) {
    throw new UserError(`no image "${name}" was built; "kubesim image ls" lists them`)
  }
}

/** By the object's own name, or by one of those it is for. */
async function find(client: Client, name: string): Promise<Frozen<V1alpha1Image> | undefined> {
  const { items } = await client.of(Images).list()
  const named = (object: Frozen<V1alpha1Image>) =>
    namesOfImage(object).some(each => each === name || canonicalName(each) === canonicalName(name))
  return items.find(named) ?? items.find(({ metadata }) => metadata.name === name)
}

async function forgetEarlier(client: Client, name: string): Promise<boolean> {
  const maps = (await client.of(ConfigMaps).list(earlier)).items
  const map = maps.find(each => canonicalName(imageFromConfigMap(each).name) === canonicalName(name))
  if (map === undefined) return false
  await client.of(ConfigMaps).delete({ name: map.metadata.name, namespace: earlier.namespace })
  return true
}

function checkName(name: string): void {
  if (parseImageName(name) === undefined) throw new UserError(`"${name}" is not the name of an image`)
}
