// kubectl in a container (programs/kubectl): what Jobs and CronJobs that look after a cluster are made of.

import type { Image } from './image.ts'

const usage = { memory: 12_000_000, cpu: 2 }
const runs = ['kubectl']

/** A shell and kubectl in it. */
const withShell = (name: string, size: number, more: Partial<Image>): Image => ({
  name,
  size,
  base: 'alpine',
  commands: ['/usr/local/bin/kubectl', 'bash', 'curl', 'jq'],
  runs,
  usage,
  ...more,
})

/** Nothing else: there is no shell to exec. */
const alone = (name: string, path: string): Image => ({
  name,
  size: 19_500_000,
  base: 'none',
  entrypoint: [path],
  commands: [path],
  runs,
  usage,
  about: 'kubectl alone, no shell',
})

const debian = (name: string): Image => ({
  name,
  size: 118_000_000,
  base: 'debian',
  entrypoint: ['kubectl'],
  command: ['--help'],
  user: '1001',
  commands: ['/opt/bitnami/kubectl/bin/kubectl', '/usr/local/bin/kubectl', 'curl', 'jq'],
  runs,
  usage,
  about: 'kubectl, with bash',
})

export const kubectl: readonly Image[] = [
  debian('bitnami/kubectl'),
  debian('bitnamilegacy/kubectl'),
  alone('registry.k8s.io/kubectl', '/bin/kubectl'),
  alone('rancher/kubectl', '/bin/kubectl'),
  withShell('alpine/k8s', 196_000_000, { command: ['bash'], workdir: '/apps', about: 'kubectl, with a shell' }),
  withShell('alpine/kubectl', 24_000_000, {
    entrypoint: ['kubectl'],
    command: ['--help'],
    about: 'kubectl, with a shell',
  }),
  withShell('lachlanevenson/k8s-kubectl', 18_000_000, { entrypoint: ['kubectl'], command: ['--help'] }),
  withShell('dtzar/helm-kubectl', 86_000_000, { command: ['bash'], about: 'kubectl, with a shell; no helm' }),
  withShell('portainer/kubectl-shell', 24_000_000, { command: ['bash'] }),
]
