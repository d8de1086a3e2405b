// Which number a container means by a port: probes and hooks name the ports it declares.

import type { Container } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'

export function portNumber({ ports }: Frozen<Container>, port: number | string | undefined): number | undefined {
  if (typeof port === 'number') return port
  if (port === undefined) return undefined
  return Number(port) || ports?.find(({ name }) => name === port)?.containerPort
}
