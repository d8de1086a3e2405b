// The yardstick: a bare node:https server, run as a process of its own, that reads the whole request and answers with the
// bytes it was told to. What it costs per request is what the machine and TLS cost; everything else is ours.

import https from 'node:https'

interface Order {
  /** Answer every request with this status and body from now on. */
  readonly answer?: { readonly status: number; readonly body: string }
  /** Send this to every open stream. */
  readonly broadcast?: string
}

/** Runs in the child: serves, and takes orders over IPC. */
export function serveYardstick(cert: string, key: string): void {
  let status = 200
  let body = Buffer.alloc(0)
  const streams = new Set<import('node:http').ServerResponse>()
  const server = https.createServer({ cert, key }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      if (request.url?.startsWith('/stream')) {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.flushHeaders()
        streams.add(response)
        response.on('close', () => streams.delete(response))
        return
      }
      Buffer.concat(chunks)
      response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length })
      response.end(body)
    })
  })
  server.listen(0, '127.0.0.1', 4096, () => {
    process.send?.({ port: (server.address() as { port: number }).port })
  })
  process.on('message', (order: Order) => {
    if (order.answer) {
      status = order.answer.status
      body = Buffer.from(order.answer.body, 'base64')
    }
    if (order.broadcast !== undefined) {
      const bytes = Buffer.from(order.broadcast, 'base64')
      for (const stream of streams) stream.write(bytes)
    }
    process.send?.({ done: true })
  })
  process.on('disconnect', () => process.exit(0))
}
