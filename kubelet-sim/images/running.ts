// Whether what a container starts is really run, in a machine, or only told of. Asked by the kubelet when a container starts;
// light, since it is asked for every container.

import type { Container } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { busyboxApplets } from '../machine/files/base-layers.ts'
import type { Image } from './image.ts'

const shells: ReadonlySet<string> = new Set(['sh', 'bash', 'ash', 'dash', 'zsh'])
const tools: ReadonlySet<string> = new Set([...busyboxApplets, 'curl', 'dig', 'getent', 'jq', 'tini', 'dumb-init'])

/** `argv`: what it starts, as image and container say it together. */
export function isRun(container: Frozen<Container>, known: Image | undefined, argv: readonly string[]): boolean {
  const [first] = argv
  if (first === undefined) return false
  const name = baseName(first)
  if (known?.tell?.(argv).isWhole) return false
  if (known?.told?.some(command => baseName(command) === name)) return isMountedOver(container, known)
  if (known?.commands?.some(command => baseName(command) === name)) return true
  if (known?.base === 'none') return false
  return shells.has(name) || tools.has(name)
}

/** Something is mounted over, in or under what it reads: what it does is in those files. */
function isMountedOver({ volumeMounts }: Frozen<Container>, { reads }: Image): boolean {
  if (volumeMounts === undefined || reads === undefined) return false
  return volumeMounts.some(({ mountPath }) => reads.some(path => holds(path, mountPath) || holds(mountPath, path)))
}

function holds(folder: string, path: string): boolean {
  const whole = folder.endsWith('/') ? folder : `${folder}/`
  return `${path}/`.startsWith(whole)
}

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
