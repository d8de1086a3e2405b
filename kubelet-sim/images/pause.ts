// pause: waits until it is stopped, and has nothing else in it.

import type { Image } from './image.ts'

const pauses = (name: string): Image => ({
  name,
  entrypoint: ['/pause'],
  size: 320_448,
  base: 'none',
  user: '65535:65535',
  commands: ['/pause'],
  told: ['/pause'],
  onTerm: 0,
  usage: { memory: 450_000, cpu: 0 },
  about: 'waits until it is stopped; no shell',
})

export const pause: readonly Image[] = [
  'registry.k8s.io/pause',
  'k8s.gcr.io/pause',
  'gcr.io/google_containers/pause',
].map(pauses)
