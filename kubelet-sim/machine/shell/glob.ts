// File names that match a pattern, in order, as the shell puts them in the place of it.

import type { FileSystem } from '../file-system.ts'
import { SystemError } from '../system-error.ts'
import { compilePattern, matches } from './patterns.ts'

const most = 100_000

/** Of names that begin with a dot only those the pattern names so. Empty when nothing matches. */
export function glob(pattern: string, cwd: string, files: FileSystem): string[] {
  const isAbsolute = pattern.startsWith('/')
  const segments = pattern.split('/').filter((segment, index) => segment !== '' || index > 0)
  let found: string[] = [isAbsolute ? '/' : '']
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1
    const compiled = compilePattern(segment)
    const next: string[] = []
    for (const base of found) {
      if (segment === '') {
        if (isLast && isFolder(whole(base, cwd), files)) next.push(base.endsWith('/') ? base : `${base}/`)
        continue
      }
      if (compiled.literal !== undefined) {
        const path = join(base, compiled.literal)
        if (exists(whole(path, cwd), files)) next.push(path)
        continue
      }
      for (const name of namesIn(whole(base, cwd), files)) {
        if (name.startsWith('.') && !segment.startsWith('.')) continue
        if (!matches(compiled, name)) continue
        const path = join(base, name)
        if (isLast || isFolder(whole(path, cwd), files)) next.push(path)
        if (next.length > most) return next
      }
    }
    found = next
  }
  return found.sort()
}

function join(base: string, name: string): string {
  return base === '' || base.endsWith('/') ? `${base}${name}` : `${base}/${name}`
}

function whole(path: string, cwd: string): string {
  if (path.startsWith('/')) return path
  return path === '' ? cwd : `${cwd === '/' ? '' : cwd}/${path}`
}

function namesIn(path: string, files: FileSystem): readonly string[] {
  return allowing(() => files.list(path)) ?? []
}

function isFolder(path: string, files: FileSystem): boolean {
  return allowing(() => files.stat(path).kind === 'directory') ?? false
}

function exists(path: string, files: FileSystem): boolean {
  return allowing(() => files.lstat(path)) !== undefined
}

function allowing<T>(ask: () => T): T | undefined {
  try {
    return ask()
  } catch (error) {
    if (error instanceof SystemError) return undefined
    throw error
  }
}
