// agnhost: the image of Kubernetes' own tests, one program of many subcommands (agnhost/ has them as programs).

import type { Image } from './image.ts'

const agnhostAs = (name: string): Image => ({
  name,
  entrypoint: ['/agnhost'],
  command: ['pause'],
  size: 53_113_000,
  base: 'alpine',
  commands: ['/agnhost', 'bash', 'curl', 'dig', 'nc', 'iperf'],
  usage: { memory: 4_000_000, cpu: 1 },
  about: "the image of Kubernetes' own tests",
})

export const agnhost: readonly Image[] = [
  'registry.k8s.io/e2e-test-images/agnhost',
  'k8s.gcr.io/e2e-test-images/agnhost',
  'registry.k8s.io/agnhost',
].map(agnhostAs)
