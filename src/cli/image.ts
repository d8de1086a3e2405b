// kubesim image build|ls|rm: images of which the cluster knows what they do. Nothing is really built: the Dockerfile is
// read for what the image would run, listen on and answer.

import { Command } from 'commander'
import { DockerfileError, readDockerfile } from '../../kubelet-sim/dockerfile.ts'
import { imageFromConfigMap, imageLabel, imageToConfigMap } from '../../kubelet-sim/images.ts'
import { isAlreadyExists } from '../api/errors.ts'
import { ConfigMaps } from '../kinds/configmap.ts'
import { withCluster } from './connect.ts'
import { done, print, progress, table, UserError } from './output.ts'
import { dataDirOption, outputOption } from './settings.ts'

const where = { namespace: 'kube-system', labelSelector: `${imageLabel}=true` }

export function imageCommand(): Command {
  const command = new Command('image').description('build, list and remove images')
  command.addCommand(
    dataDirOption(new Command('build'))
      .description('read a Dockerfile, so that pods of this image do what it says')
      .argument('[dir]', 'the build context', '.')
      .requiredOption('-t, --tag <name>', "the image's name, with or without a tag")
      .option('-f, --file <file>', 'the Dockerfile (default: DIR/Dockerfile)')
      .action(async (dir: string, options: { dataDir?: string; tag: string; file?: string }) => {
        progress(`reading ${options.file ?? `${dir}/Dockerfile`} ...`)
        const image = await build(dir, options.tag, options.file)
        await withCluster(options.dataDir, async client => {
          const map = imageToConfigMap(image)
          try {
            await client.of(ConfigMaps).create(map)
          } catch (error) {
            if (!isAlreadyExists(error)) throw error
            const ref = { name: map.metadata.name ?? '', namespace: where.namespace }
            await client.of(ConfigMaps).patch(ref, { type: 'merge', body: { data: map.data } })
          }
        })
        done(`${image.name} is built`)
      }),
  )
  command.addCommand(
    outputOption(dataDirOption(new Command('ls')))
      .description('list the images that were built')
      .action(async (options: { dataDir?: string; output: string }) => {
        const images = await withCluster(options.dataDir, async client =>
          (await client.of(ConfigMaps).list(where)).items.map(imageFromConfigMap),
        )
        print(options.output, images, () =>
          table(
            ['IMAGE', 'PORTS', 'COMMAND'],
            images.map(image => [image.name, (image.ports ?? []).join(','), (image.command ?? []).join(' ')]),
          ),
        )
      }),
  )
  command.addCommand(
    dataDirOption(new Command('rm'))
      .description('forget an image that was built')
      .argument('<name>')
      .action(async (name: string, options: { dataDir?: string }) => {
        await withCluster(options.dataDir, async client => {
          const map = (await client.of(ConfigMaps).list(where)).items.find(
            each => imageFromConfigMap(each).name === name,
          )
          if (!map) throw new UserError(`no image "${name}" was built; "kubesim image ls" lists them`)
          await client.of(ConfigMaps).delete({ name: map.metadata.name, namespace: where.namespace })
        })
        done(`${name} is removed`)
      }),
  )
  return command
}

async function build(dir: string, tag: string, file: string | undefined) {
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
