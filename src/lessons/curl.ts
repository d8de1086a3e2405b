// curl, as far as lessons use it: `curl [-s] [-H 'Name: value'] URL`, so that a lesson asks a Service the same way on every system.
// Called by run-command.ts.

import http from 'node:http'

export interface Answered {
  readonly code: number
  readonly output: string
  readonly printed: string
}

const patience = 10_000

/** Never throws: a failure has curl's exit code and its words. */
export async function curl(words: readonly string[]): Promise<Answered> {
  const headers: Record<string, string> = {}
  const urls: string[] = []
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!
    if (word === '-s' || word === '--silent') continue
    if (word === '-H' || word === '--header') {
      const [name, ...value] = (words[++index] ?? '').split(':')
      headers[name!.trim()] = value.join(':').trim()
    } else if (word.startsWith('-')) return failed(2, `option ${word}: a lesson's curl knows -s and -H`)
    else urls.push(word)
  }
  const [url = '', ...more] = urls
  if (!URL.canParse(url) || more.length > 0 || !url.startsWith('http:'))
    return failed(3, `it takes one URL such as http://127.0.0.1:80/, not "${urls.join(' ')}"`)
  return new Promise(resolve => {
    const request = http.get(url, { headers, timeout: patience }, response => {
      let printed = ''
      response.setEncoding('utf8').on('data', text => {
        printed += text
      })
      response.on('end', () => resolve({ code: 0, output: printed, printed }))
      response.on('error', error => resolve(failed(56, error.message)))
    })
    request.on('timeout', () => request.destroy(new Error(`no answer within ${patience / 1000} s`)))
    request.on('error', error => resolve(failed(7, `Failed to connect: ${error.message}`)))
  })
}

const failed = (code: number, why: string): Answered => ({ code, output: `curl: (${code}) ${why}\n`, printed: '' })
