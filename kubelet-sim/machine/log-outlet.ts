// What a container's command prints, as lines of its log, as the container runtime writes them: a line when it has ended, one
// that is longer than 16 KiB in parts, and what is left when the last process has gone (containerd, internal/cri/io/logger.go).

import type { Outlet } from './outlet.ts'

const longestLine = 16 * 1024
const newline = 10

export function logOutlet(print: (text: string, isPartial: boolean) => void): Outlet {
  let rest: Uint8Array[] = []
  let held = 0
  const flush = (isPartial: boolean) => {
    const bytes = rest.length === 1 ? rest[0]! : Buffer.concat(rest)
    rest = []
    held = 0
    print(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'), isPartial)
  }
  const keep = (part: Uint8Array) => {
    for (let at = 0; at < part.length; ) {
      const taken = part.subarray(at, at + longestLine - held)
      // What was written may be used again by who wrote it.
      rest.push(taken.slice())
      held += taken.length
      at += taken.length
      if (held === longestLine) flush(true)
    }
  }
  return {
    write(bytes) {
      let from = 0
      for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, from)) {
        keep(bytes.subarray(from, end))
        flush(false)
        from = end + 1
      }
      if (from < bytes.length) keep(bytes.subarray(from))
    },
    end() {
      if (held > 0) flush(true)
    },
  }
}
