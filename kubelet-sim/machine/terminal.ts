// TerminalDevice: a terminal as exec -it, attach and run -it have one, with the line discipline of a Unix terminal: what is
// typed is echoed and edited until the line ends, Ctrl-C is a signal to the group in front, Ctrl-D an end. Programs that edit
// lines themselves (the shell's prompt, vi, top) switch that off and get every key.

import type { Outlet } from './outlet.ts'
import type { Process, Signal, Stream, Terminal, TerminalMode } from './process.ts'
import { SystemError } from './system-error.ts'
import type { Step, Wait } from './wait.ts'
import { logBytes, moved, Waiters } from './waiters.ts'

const key = {
  interrupt: 3,
  end: 4,
  backspace: 8,
  newline: 10,
  kill: 21,
  word: 23,
  quit: 28,
  erase: 127,
  enter: 13,
} as const

export const cooked: TerminalMode = Object.freeze({ canonical: true, echo: true, signals: true })

export class TerminalDevice implements Terminal {
  columns: number
  rows: number
  foreground = 0
  mode: TerminalMode = cooked
  readonly #out: Outlet
  readonly #signal: (group: number, signal: Signal) => void
  /** Lines, or bytes, that can be read. */
  #ready: Uint8Array[] = []
  /** The line that is being typed. */
  #line: number[] = []
  /** Ends (Ctrl-D) still to be read. */
  #ends = 0
  #hasHungUp = false
  readonly #changed = new Waiters()

  constructor(
    out: Outlet,
    signal: (group: number, signal: Signal) => void,
    size: { readonly columns: number; readonly rows: number } = { columns: 80, rows: 24 },
  ) {
    this.#out = out
    this.#signal = signal
    this.columns = size.columns
    this.rows = size.rows
  }

  /** What somebody typed. */
  input(bytes: Uint8Array): void {
    if (this.#hasHungUp) return
    for (let at = 0; at < bytes.length; at++) {
      if (!this.mode.canonical) {
        at = this.#rawInput(bytes, at)
        continue
      }
      this.#typed(bytes[at]!)
    }
    this.#changed.tell()
  }

  resize(columns: number, rows: number): void {
    if (columns === this.columns && rows === this.rows) return
    this.columns = columns
    this.rows = rows
    if (this.foreground > 0) this.#signal(this.foreground, 'WINCH')
  }

  /** Nobody types any more: reads end. */
  hangUp(): void {
    this.#hasHungUp = true
    this.#changed.tell()
  }

  /** A descriptor that leads here. */
  stream(): Stream {
    const device = this
    const filled = this.#changed.until(() => this.#ready.length > 0 || this.#ends > 0 || this.#hasHungUp)
    const room: Wait = {
      isOver: () => device.#out.isFull !== true || device.#out.isGone === true,
      park: wake => device.#out.park?.(wake) ?? (() => {}),
    }
    return {
      terminal: this,
      *read(max): Step<Uint8Array | undefined> {
        while (!filled.isOver()) yield filled
        const first = device.#ready[0]
        if (first === undefined) {
          if (device.#ends > 0) device.#ends--
          return undefined
        }
        if (first.length <= max) device.#ready.shift()
        else device.#ready[0] = first.subarray(max)
        return first.subarray(0, max)
      },
      *write(bytes) {
        yield moved(bytes.length, logBytes)
        while (!room.isOver()) yield room
        if (device.#out.isGone) throw new SystemError('EIO')
        device.#out.write(withReturns(bytes))
      },
      unread(bytes) {
        if (bytes.length > 0) device.#ready.unshift(bytes)
      },
      close() {},
      share() {
        return this
      },
    }
  }

  #rawInput(bytes: Uint8Array, from: number): number {
    let at = from
    if (this.mode.signals) {
      while (at < bytes.length && bytes[at] !== key.interrupt && bytes[at] !== key.quit) at++
    } else at = bytes.length
    if (at > from) {
      const part = bytes.slice(from, at)
      this.#ready.push(part)
      if (this.mode.echo) this.#echo(part)
    }
    if (at < bytes.length) this.#interrupt(bytes[at]!)
    return at
  }

  #typed(byte: number): void {
    if (this.mode.signals && (byte === key.interrupt || byte === key.quit)) {
      this.#interrupt(byte)
      return
    }
    switch (byte) {
      case key.enter:
      case key.newline:
        this.#line.push(key.newline)
        if (this.mode.echo) this.#echo([key.newline])
        this.#ready.push(Uint8Array.from(this.#line))
        this.#line = []
        return
      case key.end:
        if (this.#line.length === 0) this.#ends++
        else this.#ready.push(Uint8Array.from(this.#line))
        this.#line = []
        return
      case key.erase:
      case key.backspace:
        this.#erase(1)
        return
      case key.kill:
        this.#erase(this.#line.length)
        return
      case key.word: {
        let left = this.#line.length
        while (left > 0 && this.#line[left - 1] === 32) left--
        while (left > 0 && this.#line[left - 1] !== 32) left--
        this.#erase(this.#line.length - left)
        return
      }
      default:
        this.#line.push(byte)
        if (this.mode.echo) this.#echo(byte < 32 && byte !== 9 ? [94, byte + 64] : [byte])
    }
  }

  /** Characters, not bytes: those of UTF-8 go as a whole. */
  #erase(count: number): void {
    let erased = 0
    for (let left = count; left > 0 && this.#line.length > 0; left--) {
      while (((this.#line.at(-1) ?? 0) & 0xc0) === 0x80) this.#line.pop()
      this.#line.pop()
      erased++
    }
    if (this.mode.echo && erased > 0) this.#out.write(Buffer.from('\b \b'.repeat(erased)))
  }

  #interrupt(byte: number): void {
    // What was typed and not read yet is forgotten with it.
    this.#line = []
    this.#ready = []
    if (this.mode.echo && this.mode.canonical) this.#echo([94, byte + 64])
    if (this.foreground > 0) this.#signal(this.foreground, byte === key.interrupt ? 'INT' : 'QUIT')
  }

  #echo(bytes: ArrayLike<number>): void {
    if (!this.#out.isGone) this.#out.write(withReturns(Uint8Array.from(bytes)))
  }
}

/** The terminal a process has, by its first three descriptors. */
export function terminalOf(process: Process): Terminal | undefined {
  return [0, 1, 2].map(number => process.descriptors.get(number)?.terminal).find(terminal => terminal !== undefined)
}

function withReturns(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(key.newline)) return bytes
  const out: number[] = []
  for (const byte of bytes) {
    if (byte === key.newline) out.push(key.enter)
    out.push(byte)
  }
  return Uint8Array.from(out)
}
