// RESP, the protocol of redis: requests as arrays of bulk strings or as a line of words, answers of five kinds.

export interface Fault {
  readonly fault: string
}
export interface Status {
  readonly status: string
}
export type Reply = string | number | null | Fault | Status | readonly Reply[]

export const fault = (text: string): Fault => Object.freeze({ fault: text })
export const status = (text: string): Status => Object.freeze({ status: text })

export function encode(reply: Reply): string {
  if (reply === null) return '$-1\r\n'
  if (typeof reply === 'number') return `:${reply}\r\n`
  if (typeof reply === 'string') return `$${Buffer.byteLength(reply)}\r\n${reply}\r\n`
  if ('fault' in reply) return `-${reply.fault}\r\n`
  if ('status' in reply) return `+${reply.status}\r\n`
  return `*${reply.length}\r\n${reply.map(encode).join('')}`
}

/** The first whole value in the text (bytes as latin1), and how much of it that was; undefined: there is more to come. */
export function decode(text: string, from = 0): { readonly value: Reply; readonly end: number } | undefined {
  const line = text.indexOf('\r\n', from)
  if (line < 0) return undefined
  const head = text.slice(from + 1, line)
  const end = line + 2
  switch (text[from]) {
    case '+':
      return { value: status(head), end }
    case '-':
      return { value: fault(head), end }
    case ':':
      return { value: Number(head), end }
    case '$': {
      const length = Number(head)
      if (length < 0) return { value: null, end }
      if (text.length < end + length + 2) return undefined
      const value = Buffer.from(text.slice(end, end + length), 'latin1').toString()
      return { value, end: end + length + 2 }
    }
    case '*': {
      const values: Reply[] = []
      let at = end
      for (let left = Number(head); left > 0; left--) {
        const next = decode(text, at)
        if (next === undefined) return undefined
        values.push(next.value)
        at = next.end
      }
      return { value: values, end: at }
    }
    default:
      // An inline command, as telnet sends it.
      return { value: text.slice(from, line).split(/\s+/).filter(Boolean), end }
  }
}

/** As redis-cli prints it in a terminal; plain: as it prints into a pipe. */
export function shown(reply: Reply, plain: boolean, indent = ''): string {
  if (reply === null) return plain ? '' : '(nil)'
  if (typeof reply === 'number') return plain ? String(reply) : `(integer) ${reply}`
  if (typeof reply === 'string') return plain ? reply : JSON.stringify(reply)
  if ('fault' in reply) return plain ? reply.fault : `(error) ${reply.fault}`
  if ('status' in reply) return reply.status
  if (reply.length === 0) return plain ? '' : '(empty array)'
  const width = String(reply.length).length
  return reply
    .map((each, at) => {
      if (plain) return shown(each, true)
      const number = `${String(at + 1).padStart(width)}) `
      return `${at === 0 ? '' : indent}${number}${shown(each, false, `${indent}${' '.repeat(number.length)}`)}`
    })
    .join('\n')
}
