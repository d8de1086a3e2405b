// The command palette: every view, and every object by its name, a few letters away.

import { useMemo, useState } from 'react'
import { useObjects } from '../api/live.ts'
import { deployments, fullName, nodes, pods, type Resource, services, writeReference } from '../api/resources.ts'
import { Dialog } from '../parts/dialog.tsx'
import { views } from '../views/index.ts'
import { go } from './place.ts'
import { shortcuts, useShortcut } from './shortcuts.ts'
import { createValue, useValue } from './value.ts'

export const paletteIsOpen = createValue(false)

const most = 12

export function Palette() {
  const isOpen = useValue(paletteIsOpen)
  useShortcut('Mod+k', 'find a view, a command or an object', () => paletteIsOpen.set(true))
  return isOpen ? <OpenPalette /> : null
}

interface Choice {
  readonly name: string
  readonly kind: string
  act(): void
}

function OpenPalette() {
  const [words, setWords] = useState('')
  const [chosen, setChosen] = useState(0)
  const objects = [useChoices(pods), useChoices(deployments), useChoices(services), useChoices(nodes)].flat()
  const keys = useValue(shortcuts)
  const choices: Choice[] = [
    ...views.map(view => ({ name: view.title, kind: 'view', act: () => go({ view: view.id }) })),
    ...keys
      .filter(({ key }) => !/^\d$|^Mod\+k$/.test(key))
      .map(({ does, act }) => ({ name: does, kind: 'command', act })),
    ...objects,
  ]
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean)
  const found = choices
    .filter(({ name, kind }) => wanted.every(word => `${kind} ${name}`.toLowerCase().includes(word)))
    .slice(0, most)
  const at = Math.min(chosen, found.length - 1)
  const close = () => paletteIsOpen.set(false)
  const take = (choice: Choice | undefined): void => {
    if (choice === undefined) return
    close()
    choice.act()
  }
  return (
    <Dialog title="Find" close={close} className="palette">
      <input
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found.length > 0 ? `palette-${at}` : undefined}
        aria-label="View, command or object"
        placeholder="a view, a command, a pod …"
        data-first
        value={words}
        onChange={event => {
          setWords(event.target.value)
          setChosen(0)
        }}
        onKeyDown={event => {
          const move = { ArrowDown: 1, ArrowUp: -1 }[event.key]
          if (move !== undefined) {
            event.preventDefault()
            setChosen((at + move + found.length) % Math.max(found.length, 1))
          } else if (event.key === 'Enter') {
            event.preventDefault()
            take(found[at])
          }
        }}
      />
      <div id="palette-list" role="listbox" aria-label="Found" tabIndex={-1}>
        {found.map((choice, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys.
          <div
            key={`${choice.kind} ${choice.name}`}
            id={`palette-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            onClick={() => take(choice)}
          >
            <span>{choice.name}</span>
            <small>{choice.kind}</small>
          </div>
        ))}
      </div>
      {found.length === 0 && <p className="empty">Nothing has these letters.</p>}
    </Dialog>
  )
}

function useChoices(resource: Resource): readonly Choice[] {
  const { objects } = useObjects(resource)
  return useMemo(
    () =>
      objects.map(({ metadata: { namespace, name } }) => ({
        name: namespace ? `${namespace}/${name}` : name,
        kind: resource.kind.toLowerCase(),
        act: () => go({ object: writeReference({ resource: fullName(resource), namespace, name }), tab: undefined }),
      })),
    [objects, resource],
  )
}
