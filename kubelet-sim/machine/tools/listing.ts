// How files are shown: modes, sizes, dates, columns. For ls, stat, find, tar, df and du.

import type { FileKind } from '../file-system.ts'

const letters: Readonly<Record<FileKind, string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  device: 'c',
  fifo: 'p',
  socket: 's',
}

/** `drwxr-xr-x`. */
export function modeText(kind: FileKind, mode: number): string {
  const bits = ['---', '--x', '-w-', '-wx', 'r--', 'r-x', 'rw-', 'rwx']
  const parts = [bits[(mode >> 6) & 7]!, bits[(mode >> 3) & 7]!, bits[mode & 7]!]
  const special: readonly (readonly [number, number, string])[] = [
    [0o4000, 0, 's'],
    [0o2000, 1, 's'],
    [0o1000, 2, 't'],
  ]
  for (const [bit, part, letter] of special) {
    if ((mode & bit) === 0) continue
    const executes = parts[part]!.endsWith('x')
    parts[part] = parts[part]!.slice(0, 2) + (executes ? letter : letter.toUpperCase())
  }
  return letters[kind] + parts.join('')
}

/** `1.5K`, as busybox writes sizes for people. */
export function humanSize(bytes: number): string {
  if (bytes < 1024) return String(bytes)
  const units = ['K', 'M', 'G', 'T', 'P']
  let value = bytes / 1024
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${value.toFixed(1)}${units[unit]}`
}

const sixMonths = (365 * 24 * 3600 * 1000) / 2
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `Sep 26 21:31`, or the year for what is long ago or yet to come. */
export function listedDate(at: number, now: number): string {
  const date = new Date(at)
  const day = `${months[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)}`
  const isNear = at > now - sixMonths && at < now + 15 * 60 * 1000
  return `${day} ${isNear ? date.toISOString().slice(11, 16) : ` ${date.getUTCFullYear()}`}`
}

/** Names in columns, down and then across, as on a terminal. */
export function inColumns(names: readonly string[], width: number): string {
  if (names.length === 0) return ''
  const column = Math.max(...names.map(name => [...name].length)) + 2
  const columns = Math.max(1, Math.floor(width / column))
  const rows = Math.ceil(names.length / columns)
  let text = ''
  for (let row = 0; row < rows; row++) {
    const line: string[] = []
    for (let at = row; at < names.length; at += rows) line.push(names[at]!)
    text += `${line.map((name, index) => (index === line.length - 1 ? name : name.padEnd(column))).join('')}\n`
  }
  return text
}
