// kubesim addons list|enable|disable: parts of a cluster that are not there from the start. An addon is what it brings
// into the API; it is enabled when that is there, so that kubectl sees the same as this command.

import { Command } from 'commander'
import { isAlreadyExists, isNotFound } from '../api/errors.ts'
import type { Client } from '../client/client.ts'
import { IngressClasses } from '../kinds/ingressclass.ts'
import { withCluster } from './connect.ts'
import { done, print, table, UserError } from './output.ts'
import { dataDirOption, outputOption } from './settings.ts'

interface Addon {
  readonly name: string
  readonly about: string
  isEnabled(client: Client): Promise<boolean>
  enable(client: Client): Promise<void>
  disable(client: Client): Promise<void>
}

const ingress: Addon = {
  name: 'ingress',
  about: 'routes HTTP by host and path (class nginx)',
  async isEnabled(client) {
    return (await client.of(IngressClasses).list()).items.some(({ metadata }) => metadata.name === 'nginx')
  },
  async enable(client) {
    try {
      await client.of(IngressClasses).create({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'IngressClass',
        metadata: { name: 'nginx', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
        spec: { controller: 'k8s.io/ingress-nginx' },
      })
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
    }
  },
  async disable(client) {
    try {
      await client.of(IngressClasses).delete({ name: 'nginx' })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  },
}

const addons: readonly Addon[] = [ingress]

export function addonsCommand(): Command {
  const command = new Command('addons').description('list, enable and disable addons')
  command.addCommand(
    outputOption(dataDirOption(new Command('list')))
      .description('list the addons and whether they are enabled')
      .action(async (options: { dataDir?: string; output: string }) => {
        const states = await withCluster(options.dataDir, async client =>
          Promise.all(
            addons.map(async addon => ({
              name: addon.name,
              enabled: await addon.isEnabled(client),
              about: addon.about,
            })),
          ),
        )
        print(options.output, states, () =>
          table(
            ['ADDON', 'STATUS', 'WHAT IT DOES'],
            states.map(({ name, enabled, about }) => [name, enabled ? 'enabled' : 'disabled', about]),
          ),
        )
      }),
  )
  for (const verb of ['enable', 'disable'] as const) {
    command.addCommand(
      dataDirOption(new Command(verb))
        .description(`${verb} an addon`)
        .argument('<addon>')
        .action(async (name: string, options: { dataDir?: string }) => {
          const addon = addons.find(each => each.name === name)
          if (!addon)
            throw new UserError(`there is no addon "${name}"; there is: ${addons.map(each => each.name).join(', ')}`)
          await withCluster(options.dataDir, client => addon[verb](client))
          done(`the addon ${name} is ${verb}d`)
        }),
    )
  }
  return command
}
