// The way of a request as the picture draws it: who asked, what the name server said, whose table translated it to which of the
// endpoints there were, what forbade it, and who answered. Read out of what POST …/requests tells.

import type { EndpointSlice } from '../../../generated/types.ts'
import type { SentRequest } from '../../../src/own/requests.ts'

export interface Way {
  readonly from: string
  readonly names: readonly { readonly asked: string; readonly said: string; readonly isFound: boolean }[]
  /** Whose table it was translated by; absent: it went to the address as it was. */
  readonly table?: {
    readonly at: string
    readonly what: string
    readonly service?: string
    readonly isRefused: boolean
  }
  /** Of the Service: those that are ready, and the one that was chosen. */
  readonly endpoints: readonly { readonly address: string; readonly name: string; readonly isChosen: boolean }[]
  readonly policy?: NonNullable<SentRequest['forbiddenBy']>
  readonly end?: { readonly at: string; readonly what: string }
  readonly outcome: { readonly isGood: boolean; readonly text: string }
}

type Packet = SentRequest['packets'][number]

export function wayOf(sent: SentRequest, slices: readonly EndpointSlice[]): Way {
  const questions = sent.packets.filter(({ question }) => question !== undefined)
  const connection = sent.packets.findLast(({ protocol }) => protocol === 'TCP')
  const table = connection?.hops.find(({ kind }) => kind === 'table')
  const end = connection?.hops.find(({ kind }) => kind === 'end')
  const { status, fault, milliseconds } = sent
  const text = fault ?? (status === undefined ? 'connected' : `status ${status}`)
  return {
    from: sent.from,
    names: questions.filter(isTold).map(({ question, answer, end: met }) => ({
      asked: `${question!.name} ${question!.type}`,
      said: answer === undefined ? `no answer: ${met}` : records(answer),
      isFound: (answer?.records.length ?? 0) > 0,
    })),
    ...(table && {
      table: {
        at: table.at,
        what: table.what,
        ...(table.service ? { service: table.service } : {}),
        isRefused: table.endpoint === undefined && /reject|drop/.test(table.what),
      },
    }),
    endpoints: table?.service ? endpointsOf(table.service, table.endpoint, slices) : [],
    ...(sent.forbiddenBy && { policy: sent.forbiddenBy }),
    ...(end && { end: { at: end.at, what: end.what } }),
    outcome: {
      isGood: fault === undefined && (status === undefined || status < 400),
      text: `${text}, ${milliseconds} ms`,
    },
  }
}

/** That a name has no IPv6 address is no news. */
const isTold = ({ question, answer }: Packet): boolean =>
  question?.type !== 'AAAA' || answer === undefined || answer.records.length > 0

function records({ code, records: found }: NonNullable<Packet['answer']>): string {
  return found.length === 0 ? code : found.map(({ data }) => data).join(', ')
}

/** `default/web:80`, by the number or the name of the port. */
function endpointsOf(service: string, chosen: string | undefined, slices: readonly EndpointSlice[]): Way['endpoints'] {
  const [, namespace, name, port] = /^([^/]+)\/(.+):([^:]+)$/.exec(service) ?? []
  const found = new Map<string, string>()
  for (const { metadata, ports, endpoints } of slices) {
    if (metadata.namespace !== namespace || metadata.labels?.['kubernetes.io/service-name'] !== name) continue
    const number = ports?.find(each => each.name === port)?.port ?? (ports?.length === 1 ? ports[0]!.port : undefined)
    for (const { addresses, conditions, targetRef } of endpoints ?? []) {
      if (conditions?.ready === false) continue
      for (const address of addresses) found.set(`${address}:${number ?? ''}`, targetRef?.name ?? address)
    }
  }
  if (chosen !== undefined && !found.has(chosen)) found.set(chosen, chosen)
  return [...found].map(([address, title]) => ({ address, name: title, isChosen: address === chosen }))
}
