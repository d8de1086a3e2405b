// What nginx answers of its own making: pages for errors and for what has moved, texts.

import type { SimulatedResponse } from '../../../../src/client/node-client.ts'
import { reasons } from '../file-pages.ts'
import { version } from './exchange.ts'

const own = `nginx/${version}`

export function text(status: number, words: string, type = 'text/plain'): SimulatedResponse {
  const body = Buffer.from(words)
  return { status, headers: { server: own, 'content-type': type, 'content-length': String(body.length) }, body }
}

export function errorPage(status: number): SimulatedResponse {
  const title = `${status} ${reasons[status] ?? ''}`.trim()
  const lines = [
    '<html>',
    `<head><title>${title}</title></head>`,
    '<body>',
    `<center><h1>${title}</h1></center>`,
    `<hr><center>${own}</center>`,
    '</body>',
    '</html>',
    '',
  ]
  return text(status, lines.join('\r\n'), 'text/html')
}

export function moved(status: number, location: string): SimulatedResponse {
  const page = errorPage(status)
  return { ...page, headers: { ...page.headers, location } }
}

/** What others answered is theirs. */
export const isOwnPage = ({ status, headers }: SimulatedResponse): boolean => status >= 300 && headers.server === own
