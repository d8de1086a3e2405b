// A terminal into a container: `kubectl exec -it` over the same WebSocket (v5.channel.k8s.io), with the size of the window. Channels
// are Kubernetes' own: k8s.io/apimachinery/pkg/util/remotecommand/constants.go, 0 in, 1 out, 3 how it ended, 4 the size.

import { FitAddon } from '@xterm/addon-fit'
import { Terminal } from '@xterm/xterm'
import { useEffect, useRef, useState } from 'react'
import type { Pod } from '../../generated/types.ts'
import type { Status } from '../../src/api/errors.ts'
import { getJson } from '../api/requests.ts'
import { objectPath } from '../api/resources.ts'
import { did, namespaceFlag } from '../page/did.ts'
import { isDark, type Theme, theme } from '../page/theme.ts'
import { useValue } from '../page/value.ts'
import { ContainerChoice, containersOf } from './container-choice.tsx'
import type { ObjectTabProps } from './object-panel.tsx'
import '@xterm/xterm/css/xterm.css'

/** It is measured on a canvas, which knows no variables of styles. */
const fonts = 'ui-monospace, "SF Mono", "Cascadia Code", "DejaVu Sans Mono", "Liberation Mono", Menlo, monospace'
const [input, output, , ended, size] = [0, 1, 2, 3, 4]

export function TerminalTab({ object, resource, reference }: ObjectTabProps) {
  const pod = object as unknown as Pod
  const [container, setContainer] = useState(containersOf(pod)[0] ?? '')
  const [command, setCommand] = useState('sh')
  const [session, setSession] = useState(0)
  const [end, setEnd] = useState<string>()
  const place = useRef<HTMLDivElement>(null)
  const terminal = useRef<Terminal>(null)
  const chosen = useValue(theme)
  useEffect(() => {
    if (terminal.current) terminal.current.options.theme = coloursOf(chosen)
  }, [chosen])
  // biome-ignore lint/correctness/useExhaustiveDependencies: `session` counts the connections that were asked for.
  useEffect(() => {
    setEnd(undefined)
    const words = command.trim().split(/\s+/)
    did(`kubectl exec -it ${reference.name} -c ${container}${namespaceFlag(reference.namespace)} -- ${command}`)
    const shown = new Terminal({
      fontSize: 12,
      fontFamily: fonts,
      lineHeight: 1.25,
      theme: coloursOf(theme.get()),
      cursorBlink: true,
    })
    terminal.current = shown
    const fit = new FitAddon()
    shown.loadAddon(fit)
    shown.open(place.current!)
    // Every key is the shell's, so there must be one that leads out.
    shown.attachCustomKeyEventHandler(event => {
      if (event.key !== 'Escape' || !event.shiftKey) return true
      if (event.type === 'keydown')
        document.querySelector<HTMLElement>('.object [role="tab"][aria-selected="true"]')?.focus()
      return false
    })
    const query = new URLSearchParams({ container, stdin: 'true', stdout: 'true', tty: 'true' })
    for (const word of words) query.append('command', word)
    const path = `${objectPath(resource, reference)}/exec?${query}`
    const socket = new WebSocket(`ws://${location.host}${path}`, 'v5.channel.k8s.io')
    socket.binaryType = 'arraybuffer'
    const tell = (channel: number, bytes: Uint8Array): void => {
      if (socket.readyState !== WebSocket.OPEN) return
      const message = new Uint8Array(bytes.length + 1)
      message[0] = channel
      message.set(bytes, 1)
      socket.send(message)
    }
    const encoder = new TextEncoder()
    let isOpen = false
    const resize = (): void => {
      fit.fit()
      tell(size!, encoder.encode(JSON.stringify({ Width: shown.cols, Height: shown.rows })))
    }
    shown.onData(text => tell(input!, encoder.encode(text)))
    shown.onBinary(text =>
      tell(
        input!,
        Uint8Array.from(text, sign => sign.charCodeAt(0)),
      ),
    )
    socket.onopen = () => {
      isOpen = true
      resize()
      shown.focus()
    }
    let how: string | undefined
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      const bytes = new Uint8Array(data)
      const channel = bytes[0]!
      if (channel === ended) how = endText(JSON.parse(new TextDecoder().decode(bytes.subarray(1))) as Status)
      else if (channel >= output!) shown.write(bytes.subarray(1))
    }
    socket.onclose = async () => {
      // A refused handshake tells a page nothing; the same request without one is refused in words.
      if (!isOpen)
        how = await getJson(path).then(
          () => 'it could not be connected',
          (error: Error) => error.message,
        )
      setEnd(how ?? 'the connection has ended')
    }
    const watching = new ResizeObserver(resize)
    watching.observe(place.current!)
    return () => {
      watching.disconnect()
      socket.onclose = null
      socket.close()
      shown.dispose()
      terminal.current = null
    }
  }, [resource, reference, container, session])
  return (
    <>
      <form
        className="object-tools"
        onSubmit={event => {
          event.preventDefault()
          setSession(session + 1)
        }}
      >
        <ContainerChoice pod={pod} chosen={container} choose={setContainer} />
        <label className="field">
          <span>Command</span>
          <input value={command} onChange={event => setCommand(event.target.value)} size={8} spellCheck={false} />
        </label>
        <button type="submit">{end === undefined ? 'Run' : 'Run again'}</button>
        <small>leave it: Shift+Esc</small>
      </form>
      {end !== undefined && (
        <p className="terminal-end" role="status">
          {end}
        </p>
      )}
      <div className="terminal" ref={place} />
    </>
  )
}

function endText({ status, message, details }: Status): string {
  if (status === 'Success') return 'the command has ended'
  const code = details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message
  return code === undefined ? (message ?? 'it has failed') : `the command has ended with exit code ${code}`
}

function coloursOf(chosen: Theme) {
  return isDark(chosen)
    ? { background: '#101216', foreground: '#e6e9ee', cursor: '#82a8ff', selectionBackground: '#35415c' }
    : {
        background: '#ffffff',
        foreground: '#1d2530',
        cursor: '#2457d6',
        selectionBackground: '#cfdcfb',
        green: '#1d7a46',
        yellow: '#8a5a00',
        brightYellow: '#8a5a00',
        white: '#56606d',
        brightWhite: '#1d2530',
      }
}
