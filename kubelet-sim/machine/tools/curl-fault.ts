// What curl ends with: its exit code and what it says. Called by curl.ts and curl-tls.ts.

export class CurlFault extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}
