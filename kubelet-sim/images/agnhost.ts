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
