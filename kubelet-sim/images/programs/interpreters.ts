// python, node and php as far as ../interpreters.ts understands what they are given; code of one's own is refused by name. A program
// in a file (python app.py) is the stranger's (machine/stranger.ts): it serves what its image is known for.

import type { Program } from '../../machine/process.ts'
import { SystemError } from '../../machine/system-error.ts'
import type { Step } from '../../machine/wait.ts'
import { codeOf, interpreted, languageOf, versions } from '../interpreters.ts'
import { endingOn } from './ending.ts'
import { type Pages, pageOf } from './file-pages.ts'

/** As a shell has it for what is there and cannot be run: a probe does not hold it against the container. */
const cannotRun = 126

/** undefined: this is none of an interpreter's, or a program in a file. */
export function interpreterFor(argv: readonly string[]): Program | undefined {
  const language = languageOf(argv)
  if (language === undefined) return undefined
  const found = interpreted(argv)
  if (found === undefined) {
    const code = codeOf(argv)
    if (code === undefined) return undefined
    return function* (process) {
      const name = argv[0]!.slice(argv[0]!.lastIndexOf('/') + 1)
      const shown = code.trim().split('\n')[0]!.slice(0, 60)
      yield* process.complain(
        `${name}: kubesim does not run ${language} programs: ${shown}\n${name}: an object of kind Image says what a program of one's own does, a shell script is really run\n`,
      )
      return cannotRun
    }
  }
  if (found.does === 'serve') return fileServer(found)
  return function* (process) {
    if (found.does === 'print') {
      yield* process.print(found.text)
      return 0
    }
    for (const step of found.steps) {
      if (step.does === 'print') yield* process.print(step.text)
      else if (step.does === 'sleep') yield* process.sleep(step.seconds * 1000)
      else return step.code
    }
    return 0
  }
}

/** `python3 -m http.server`, with its pages and its log (Lib/http/server.py). */
function fileServer({ port, host, folder }: { port: number; host: string; folder: string }): Program {
  return function* (process) {
    const { files, clock, cwd } = process
    const root = folder.startsWith('/') ? folder : `${cwd.replace(/\/$/, '')}/${folder}`.replace(/\/\.$/, '') || '/'
    const ending = endingOn(process, { TERM: 143, INT: 0 })
    const say = (client: string, text: string): Step<void> => {
      const [, date, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(clock.now()).toUTCString())!
      return process.complain(`${client} - - [${date}/${month}/${year} ${time}] ${text}\n`)
    }
    let server: { close(): void }
    try {
      server = process.sockets.serve(port, function* (request, { host: client }) {
        const answer = pageOf(files, { ...pages, root }, request)
        if (answer.status === 404) yield* say(client, 'code 404, message File not found')
        yield* say(client, `"${request.method} ${request.path} HTTP/1.1" ${answer.status} -`)
        return answer
      })
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      yield* process.complain(`OSError: [Errno 98] ${error.message}\n`)
      return 1
    }
    yield* process.print(`Serving HTTP on ${host} port ${port} (http://${host}:${port}/) ...\n`)
    const code = yield* ending.wait()
    server.close()
    return code
  }
}

const explanations: Readonly<Record<number, readonly [string, string]>> = {
  404: ['File not found', 'Nothing matches the given URI'],
  405: ['Unsupported method', 'Server does not support this operation'],
}

const pages: Omit<Pages, 'root'> = {
  index: ['index.html', 'index.htm'],
  server: `SimpleHTTP/0.6 Python/${versions.Python}`,
  error(status) {
    const [text, why] = explanations[status] ?? ['Bad Request', 'Bad request syntax or unsupported method']
    const body = [
      '<!DOCTYPE HTML>',
      '<html lang="en">',
      '    <head>',
      '        <meta charset="utf-8">',
      '        <title>Error response</title>',
      '    </head>',
      '    <body>',
      '        <h1>Error response</h1>',
      `        <p>Error code: ${status}</p>`,
      `        <p>Message: ${text}.</p>`,
      `        <p>Error code explanation: ${status} - ${why}.</p>`,
      '    </body>',
      '</html>',
      '',
    ]
    return { type: 'text/html;charset=utf-8', body: body.join('\n') }
  },
  list(path, names) {
    const title = `Directory listing for ${path}`
    const items = names.map(name => `<li><a href="${encodeURI(name)}">${name}</a></li>`)
    const head = ['<!DOCTYPE HTML>', '<html lang="en">', '<head>', '<meta charset="utf-8">', `<title>${title}</title>`]
    const body = [
      '</head>',
      '<body>',
      `<h1>${title}</h1>`,
      '<hr>',
      '<ul>',
      ...items,
      '</ul>',
      '<hr>',
      '</body>',
      '</html>',
    ]
    return `${[...head, ...body].join('\n')}\n`
  },
}
