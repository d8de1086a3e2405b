// The user's browser, opened at an address. Called by commands that have printed the address too.

import { spawn } from 'node:child_process'

/** Fails silently where there is no browser: the URL has been printed. */
export function openInBrowser(url: string): void {
  const [command, args] =
    process.platform === 'darwin'
      ? ['open', [url]]
      : process.platform === 'win32'
        ? ['cmd', ['/c', 'start', '', url]]
        : ['xdg-open', [url]]
  const child = spawn(command as string, args as string[], { detached: true, stdio: 'ignore' })
  child.on('error', () => {})
  child.unref()
}
