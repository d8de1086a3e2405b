// Express over HTTP/1.1 and HTTP/2 on one port. Stock Express changes the prototype of every request and response, which
// costs more than all else it does, and on node:http2 it crashes; so the servers are told to make requests and responses
// that have Express' methods from the start. See docs/decisions/0004-http.md. Called by listener.ts alone.

import http from 'node:http'
import http2 from 'node:http2'
import express from 'express'

export interface DualExpress {
  /** Options for http2.createSecureServer with allowHTTP1. */
  readonly secure: object
  /** Options for http.createServer. */
  readonly plain: object
  readonly handler: (request: http.IncomingMessage, response: http.ServerResponse) => void
}

export function dualExpress(mount: (router: express.Router) => void): DualExpress {
  const router = express.Router()
  mount(router)
  const one = side(router, http.IncomingMessage, http.ServerResponse)
  const two = side(router, http2.Http2ServerRequest, http2.Http2ServerResponse)
  return {
    secure: {
      Http1IncomingMessage: one.Request,
      Http1ServerResponse: one.Response,
      IncomingMessage: one.Request,
      ServerResponse: one.Response,
      Http2ServerRequest: two.Request,
      Http2ServerResponse: two.Response,
    },
    plain: { IncomingMessage: one.Request, ServerResponse: one.Response },
    handler(request, response) {
      if (request.httpVersionMajor !== 2) return one.app(request, response)
      const { authority } = request as unknown as http2.Http2ServerRequest
      if (authority && !request.headers.host) request.headers.host = authority
      two.app(request, response)
    },
  }
}

type Constructor = new (...args: any[]) => object

function side(router: express.Router, Request: Constructor, Response: Constructor) {
  const app = express()
  app.disable('x-powered-by')
  app.set('etag', false)
  const made = { Request: graft(Request, express.request, app), Response: graft(Response, express.response, app) }
  // Express sets these prototypes on whatever comes; what has them already is left as it is.
  app.request = made.Request.prototype
  app.response = made.Response.prototype
  app.use(router)
  return { app: app as unknown as (request: unknown, response: unknown) => void, ...made }
}

/** A class like `Base` whose instances also have the methods of Express' prototype. */
function graft(Base: Constructor, methods: object, app: unknown): any {
  class Grafted extends Base {}
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(methods))) {
    if (name !== 'constructor') Object.defineProperty(Grafted.prototype, name, descriptor)
  }
  Object.defineProperty(Grafted.prototype, 'app', { value: app, configurable: true, writable: true })
  return Grafted
}
