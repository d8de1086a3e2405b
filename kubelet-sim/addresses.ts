// Addresses: which one each fake node and load balancer has, and the pod addresses of a node, given and taken back.
// On Linux all of 127.0.0.0/8 is the loopback, so each node and load balancer gets one of its own there and can really
// be asked; elsewhere they share 127.0.0.1. Pod and Service addresses exist in the simulation only.

export interface AddressPlan {
  /** The address of node `index` (from 1), and whether something can listen there. */
  node(index: number): { readonly address: string; readonly real: boolean }
  /** What load balancers may be given, in order; one address, shared, where there are no more. */
  readonly loadBalancers: readonly string[]
  readonly ingress: string
}

const mostRealNodes = 90

/** `port` is the API server's: two clusters on one machine then never share a node's address. */
export function addressPlan(options: { port: number; platform: string }): AddressPlan {
  if (options.platform !== 'linux') {
    return {
      node: () => ({ address: '127.0.0.1', real: true }),
      loadBalancers: ['127.0.0.1'],
      ingress: '127.0.0.1',
    }
  }
  const prefix = `127.${(options.port >> 8) & 255}.${options.port & 255}`
  return {
    node: index =>
      index <= mostRealNodes
        ? { address: `${prefix}.${10 + index}`, real: true }
        : { address: `10.64.${index >> 8}.${index & 255}`, real: false },
    loadBalancers: Array.from({ length: 150 }, (_, index) => `${prefix}.${101 + index}`),
    ingress: '127.0.0.1',
  }
}

/** 10.244.N.0/24 for node N; from 256 on 10.129.0.0/16 and above, clear of the Services' 10.96.0.0/12. */
export function podCIDR(index: number): string {
  return index < 256 ? `10.244.${index}.0/24` : `10.${128 + (index >> 8)}.${index & 255}.0/24`
}

/** A node's ranges: with both families, IPv6 second, as kind's dual-stack clusters have it. */
export function podCIDRs(index: number, isDualStack: boolean): string[] {
  return isDualStack ? [podCIDR(index), `fd00:10:244:${index.toString(16)}::/64`] : [podCIDR(index)]
}

/** Of node `index`, beside the one that is real: in the simulation only. */
export const secondNodeAddress = (index: number): string => `fd00:10:64::${index.toString(16)}`

/** The address of a pod in its node's second range: it ends as the first one does. */
export function secondPodAddress(address: string, range: string): string {
  const host = Number(address.slice(address.lastIndexOf('.') + 1))
  return `${range.slice(0, range.indexOf('/'))}${host.toString(16)}`
}

/** The number of the node that has this pod CIDR. */
export function nodeIndexOf(cidr: string): number | undefined {
  const match = /^10\.(\d+)\.(\d+)\.0\/24$/.exec(cidr)
  if (!match) return undefined
  const [second, third] = [Number(match[1]), Number(match[2])]
  if (second === 244) return third
  return second > 128 && second < 244 ? ((second - 128) << 8) | third : undefined
}

/** The pod addresses of all nodes. The next free one is given, so that one just returned is not used again at once. */
export class PodAddresses {
  private readonly ranges = new Map<string, { next: number; readonly taken: Set<number> }>()

  /** Undefined when the node's 253 addresses are all in use. */
  take(cidr: string): string | undefined {
    const { base, range } = this.rangeOf(cidr)
    for (let tries = 0; tries < 253; tries++) {
      const host = range.next
      range.next = host === 254 ? 2 : host + 1
      if (range.taken.has(host)) continue
      range.taken.add(host)
      return `${base}.${host}`
    }
    return undefined
  }

  /** Marks an address as in use: that of a pod which was there before. */
  claim(address: string): void {
    const { range, host } = this.placeOf(address)
    range.taken.add(host)
    if (host >= range.next) range.next = host === 254 ? 2 : host + 1
  }

  giveBack(address: string): void {
    const { range, host } = this.placeOf(address)
    range.taken.delete(host)
  }

  private placeOf(address: string) {
    const dot = address.lastIndexOf('.')
    return { range: this.rangeOf(`${address.slice(0, dot)}.0/24`).range, host: Number(address.slice(dot + 1)) }
  }

  private rangeOf(cidr: string) {
    const base = cidr.slice(0, cidr.lastIndexOf('.'))
    let range = this.ranges.get(base)
    // .0 is the network, .1 the node's bridge, .255 the broadcast address.
    if (!range) {
      range = { next: 2, taken: new Set() }
      this.ranges.set(base, range)
    }
    return { base, range }
  }
}
