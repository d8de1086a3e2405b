// A command under a pseudo-terminal, as somebody sits before it: typed to, resized, interrupted. By python3's pty, which is
// what there is on most machines; tests that need it are skipped, with this reason, where it is not.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'

export const noTerminal: string | undefined =
  spawnSync('python3', ['-c', 'import pty, fcntl, termios']).status === 0
    ? undefined
    : 'python3 is not here, which makes the pseudo-terminal'

export interface Terminal extends AsyncDisposable {
  readonly screen: () => string
  /** Resolves when what was shown satisfies; rejects when the command ends before. */
  shows(words: string | RegExp | ((screen: string) => boolean)): Promise<void>
  type(text: string): void
  resize(columns: number, rows: number): void
  /** Its exit code. */
  ended(): Promise<number>
}

/** Orders come as lines: `t` and text in hexadecimal, `r` and a size. */
const program = `
import fcntl, os, pty, select, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
def resize(columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
resize(80, 24)
orders = b''
sources = [0, fd]
while fd in sources:
    for source in select.select(sources, [], [])[0]:
        try:
            data = os.read(source, 65536)
        except OSError:
            data = b''
        if not data:
            sources.remove(source)
        elif source == fd:
            os.write(1, data)
        else:
            orders += data
            while b'\\n' in orders:
                order, orders = orders.split(b'\\n', 1)
                words = order.decode().split()
                if words[0] == 't':
                    os.write(fd, bytes.fromhex(words[1]))
                else:
                    resize(int(words[1]), int(words[2]))
status = os.waitpid(pid, 0)[1]
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
`

export function openTerminal(command: string, words: readonly string[], env: Record<string, string>): Terminal {
  const child: ChildProcess = spawn('python3', ['-c', program, command, ...words], {
    env: { PATH: process.env.PATH ?? '', TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let screen = ''
  child.stdout?.on('data', chunk => {
    screen += chunk
  })
  child.stderr?.on('data', chunk => {
    screen += chunk
  })
  child.stdin?.on('error', () => {})
  const ended = new Promise<number>(resolve => child.once('close', code => resolve(code ?? 1)))
  return {
    screen: () => screen,
    shows: words =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!(typeof words === 'function' ? words(screen) : isShown(words, screen))) return
          child.stdout?.off('data', look)
          resolve()
        }
        child.stdout?.on('data', look)
        void ended.then(code => reject(new Error(`ended with ${code} before it showed ${words}:\n${screen}`)))
        look()
      }),
    type: text => void child.stdin?.write(`t ${Buffer.from(text).toString('hex')}\n`),
    resize: (columns, rows) => void child.stdin?.write(`r ${columns} ${rows}\n`),
    ended: () => ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

const isShown = (words: string | RegExp, screen: string): boolean =>
  typeof words === 'string' ? screen.includes(words) : words.test(screen)
