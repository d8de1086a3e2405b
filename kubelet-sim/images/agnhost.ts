// agnhost: the image of Kubernetes' own tests, one program of many subcommands (agnhost/ has them as programs).

import type { Image, Told } from './image.ts'

const agnhostAs = (name: string): Image => ({
  name,
  entrypoint: ['/agnhost'],
  command: ['pause'],
  size: 53_113_000,
  base: 'alpine',
  files: { '/uploads': { directory: true } },
  runs: ['agnhost', 'agnhost-2'],
  commands: ['/agnhost', '/agnhost-2', 'bash', 'curl', 'dig', 'nc', 'iperf'],
  usage: { memory: 4_000_000, cpu: 1 },
  tell: argv => (argv[1] === 'pause' ? paused : nothing),
  about: "the image of Kubernetes' own tests",
})

/** Nothing runs for a pod that only has to be there. */
const paused: Told = {
  isWhole: true,
  ports: [],
  onTerm: 2,
  script: { lines: [{ at: 0, text: 'Paused' }], files: [] },
}
const nothing: Told = {}

export const agnhost: readonly Image[] = [
  'registry.k8s.io/e2e-test-images/agnhost',
  'k8s.gcr.io/e2e-test-images/agnhost',
  'registry.k8s.io/agnhost',
].map(agnhostAs)

/** agnhost with a page of its own, of upstream's update demo and tests of image volumes (test/images/{kitten,nautilus}). */
const picture = (name: string): Image => {
  const its = agnhostAs(`registry.k8s.io/e2e-test-images/${name}`)
  return {
    ...its,
    command: ['test-webserver'],
    files: { ...its.files, '/data.json': `{\n"image":"${name}.jpg"\n}\n` },
    about: 'agnhost as a web server, with a file that names it',
  }
}

/** What it says is whose rights a setuid program has (test/images/nonewprivs). */
const nonewprivs: Image = {
  name: 'registry.k8s.io/e2e-test-images/nonewprivs',
  command: ['nnp'],
  size: 3_500_000,
  base: 'alpine',
  files: { '/usr/local/bin/nnp': { program: 'nnp', mode: 0o6755 } },
  runs: ['nnp'],
  about: 'says with whose rights it runs',
}

export const testImages: readonly Image[] = [picture('kitten'), picture('nautilus'), nonewprivs]
