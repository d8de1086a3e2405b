// The certificate with which agnhost's servers speak TLS: of the files that their flags or variables name.

import type { Process } from '../../../machine/process.ts'
import type { TlsServing } from '../../../machine/sockets.ts'
import { SystemError } from '../../../machine/system-error.ts'
import { pathOf } from '../../../machine/tools/tool.ts'
import type { Step } from '../../../machine/wait.ts'
import { fatal, goWords } from '../go.ts'

export function* pairIn(process: Process, cert: string, key: string): Step<TlsServing> {
  return { cert: yield* textIn(process, cert), key: yield* textIn(process, key) }
}

function* textIn(process: Process, file: string): Step<string> {
  let text = ''
  try {
    text = process.files.readText(pathOf(process, file))
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    yield* fatal(process, `open ${file}: ${goWords(error)}`)
  }
  if (!text.includes('-----BEGIN ')) yield* fatal(process, 'tls: failed to find any PEM data in certificate input')
  return text
}
