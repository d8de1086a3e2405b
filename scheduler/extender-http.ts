// Asks an extender over HTTP or HTTPS: JSON there and back, one connection kept for each, every answer within its time.
// Handed to the scheduler by the roof; a test may give another.

import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import type { AskExtender, ExtenderQuestion } from './extender.ts'

const mostBytes = 64 * 1024 * 1024

export function createExtenderCalls(): AskExtender {
  const agents = new Map<string, http.Agent>()
  return question => {
    const { url, tls } = question
    const isSecure = url.startsWith('https:')
    const key = `${new URL(url).origin} ${JSON.stringify(tls ?? {})}`
    let agent = agents.get(key)
    if (agent === undefined) {
      agent = isSecure ? new https.Agent({ keepAlive: true, ...trustOf(tls) }) : new http.Agent({ keepAlive: true })
      agents.set(key, agent)
    }
    return ask(question, isSecure, agent)
  }
}

function ask({ url, body, timeout }: ExtenderQuestion, isSecure: boolean, agent: http.Agent): Promise<unknown> {
  const failure = (why: string, cause?: unknown): Error => new Error(`Post ${JSON.stringify(url)}: ${why}`, { cause })
  return new Promise((resolve, reject) => {
    const content = Buffer.from(JSON.stringify(body))
    const headers = { 'content-type': 'application/json', 'content-length': content.length }
    const request = (isSecure ? https : http).request(url, { method: 'POST', agent, headers, timeout }, response => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > mostBytes) request.destroy(failure('answer too long'))
        else chunks.push(chunk)
      })
      response.on('error', error => reject(failure(error.message, error)))
      response.on('end', () => {
        if (response.statusCode !== 200) {
          const verb = url.slice(url.lastIndexOf('/') + 1)
          const prefix = url.slice(0, url.lastIndexOf('/'))
          reject(new Error(`failed ${verb} with extender at URL ${prefix}, code ${response.statusCode}`))
          return
        }
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')))
        } catch (error) {
          reject(failure('answer is not JSON', error))
        }
      })
    })
    request.on('timeout', () => request.destroy(failure('context deadline exceeded')))
    request.on('error', error => reject(error.message.startsWith('Post ') ? error : failure(error.message, error)))
    request.end(content)
  })
}

function trustOf(tls: ExtenderQuestion['tls'] = {}): https.AgentOptions {
  const material = (file: string | undefined, data: string | undefined): Buffer | undefined =>
    data !== undefined ? Buffer.from(data, 'base64') : file === undefined ? undefined : readFileSync(file)
  const ca = material(tls.caFile, tls.caData)
  const cert = material(tls.certFile, tls.certData)
  const key = material(tls.keyFile, tls.keyData)
  return {
    rejectUnauthorized: !tls.insecure,
    ...(tls.serverName !== undefined && { servername: tls.serverName }),
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  }
}
