// Who asks, and where to: the form that sends a request, with what there is to choose from.

import { type FormEvent, useState } from 'react'
import type { Node, Pod, Service } from '../../../generated/types.ts'
import type { SendRequest } from '../../../src/own/requests.ts'
import { useObjects } from '../../api/live.ts'
import { nodes as nodesResource, pods as podsResource, services as servicesResource } from '../../api/resources.ts'
import { go, usePlace } from '../../page/place.ts'
import { useShortcut } from '../../page/shortcuts.ts'

interface RequestFormProps {
  readonly isBusy: boolean
  readonly send: (request: SendRequest, times: number) => void
}

export function RequestForm({ isBusy, send }: RequestFormProps) {
  const { namespace, own, at } = usePlace()
  const pods = useObjects<Pod>(podsResource, { namespace })
  const nodes = useObjects<Node>(nodesResource)
  const services = useObjects<Service>(servicesResource, { namespace })
  const [timeout, setTimeout] = useState('2s')
  const [input, setInput] = useState<HTMLInputElement | null>(null)
  useShortcut('/', 'choose where the request goes', () => input?.focus())
  const senders = pods.objects.filter(({ status }) => status?.podIP)
  const first = senders[0]
  const from = own.from ?? (first ? `pod/${first.metadata.namespace}/${first.metadata.name}` : 'outside')
  const url = own.url ?? ''
  const change = (words: Record<string, string>) => go({ own: { ...own, ...words } }, 'replace')
  const submit = (times: number) => (event: FormEvent | React.MouseEvent) => {
    event.preventDefault()
    send({ from: senderOf(from), url: withScheme(url), timeout }, times)
  }
  const isReady = url.trim() !== '' && !isBusy && at === undefined
  return (
    <form className="toolbar request-form" onSubmit={submit(1)}>
      <h2 className="hidden">Network</h2>
      <label className="field">
        <span>From</span>
        <select value={from} onChange={event => change({ from: event.target.value })}>
          <optgroup label="Pods">
            {senders.map(({ metadata }) => (
              <option key={metadata.uid} value={`pod/${metadata.namespace}/${metadata.name}`}>
                {namespace ? metadata.name : `${metadata.namespace}/${metadata.name}`}
              </option>
            ))}
          </optgroup>
          <optgroup label="Nodes">
            {nodes.objects.map(({ metadata }) => (
              <option key={metadata.uid} value={`node/${metadata.name}`}>
                {metadata.name}
              </option>
            ))}
          </optgroup>
          <option value="outside">outside of the cluster</option>
        </select>
      </label>
      <label className="field request-url">
        <span>to</span>
        <input
          ref={setInput}
          value={url}
          onChange={event => change({ url: event.target.value })}
          placeholder="http://web/ or db:5432"
          list="network-targets"
          size={36}
          spellCheck={false}
          autoComplete="off"
          required
        />
      </label>
      <datalist id="network-targets">
        {services.objects.flatMap(({ metadata, spec }) =>
          (spec?.ports ?? [])
            .filter(({ protocol = 'TCP' }) => protocol === 'TCP')
            .map(({ port }) => (
              <option
                key={`${metadata.uid} ${port}`}
                value={`http://${metadata.name}.${metadata.namespace}${port === 80 ? '' : `:${port}`}/`}
              />
            )),
        )}
      </datalist>
      <label className="field">
        <span>within</span>
        <select value={timeout} onChange={event => setTimeout(event.target.value)}>
          {['1s', '2s', '5s', '15s'].map(each => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </label>
      <button type="submit" className="main" disabled={!isReady}>
        Send
      </button>
      <button type="button" disabled={!isReady} onClick={submit(10)}>
        Send 10
      </button>
    </form>
  )
}

function senderOf(text: string): SendRequest['from'] {
  const [what, ...rest] = text.split('/')
  if (what === 'pod') return { pod: rest[1] ?? '', namespace: rest[0] ?? 'default' }
  return what === 'node' ? { node: rest[0] ?? '' } : { outside: '' }
}

/** What has no scheme and no port is meant for HTTP. */
function withScheme(url: string): string {
  const text = url.trim()
  return /^[a-z]+:\/\//i.test(text) || /:\d+$/.test(text) ? text : `http://${text}`
}
