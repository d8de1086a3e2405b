// The header: which cluster this is, which namespace is shown, and its time in one's hand.

import { useEffect, useState } from 'react'
import { useObjects } from '../api/live.ts'
import { namespaces } from '../api/resources.ts'
import { Sign, signs } from '../parts/sign.tsx'
import { AsOfField } from './as-of.tsx'
import { ClockControls } from './clock-controls.tsx'
import { helpIsOpen } from './help-panel.tsx'
import { paletteIsOpen } from './palette.tsx'
import { go, usePlace } from './place.ts'
import { useShortcut } from './shortcuts.ts'
import { chooseTheme, type Theme, theme } from './theme.ts'
import { useValue } from './value.ts'

export function Header() {
  return (
    <header className="header">
      <h1>
        <span className="mark" aria-hidden="true">
          <i />
          <i />
          <i />
          <i />
        </span>
        kubesim
      </h1>
      <NamespaceFilter />
      <div className="header-gap" />
      <AsOfField />
      <ClockControls />
      <span className="header-tools">
        <button
          type="button"
          className="quiet"
          aria-label="Commands"
          title="Commands (Ctrl+K)"
          onClick={() => paletteIsOpen.set(true)}
        >
          <Sign path={signs.search} />
        </button>
        <ThemeSwitch />
        <button type="button" className="quiet" aria-label="Help" title="Help (?)" onClick={() => helpIsOpen.set(true)}>
          <Sign path={signs.help} />
        </button>
      </span>
    </header>
  )
}

function NamespaceFilter() {
  const { namespace } = usePlace()
  const { objects } = useObjects(namespaces)
  const [select, setSelect] = useState<HTMLSelectElement | null>(null)
  useShortcut('n', 'choose the namespace', () => select?.focus())
  const names = objects.map(({ metadata }) => metadata.name)
  if (namespace && !names.includes(namespace)) names.push(namespace)
  return (
    <label className="field">
      <span>Namespace</span>
      <select ref={setSelect} value={namespace} onChange={event => go({ namespace: event.target.value })}>
        <option value="">all</option>
        {names.sort().map(name => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  )
}

const themes: readonly { readonly theme: Theme; readonly sign: string; readonly says: string }[] = [
  { theme: 'system', sign: signs.system, says: "the system's colours" },
  { theme: 'light', sign: signs.sun, says: 'light' },
  { theme: 'dark', sign: signs.moon, says: 'dark' },
]

function ThemeSwitch() {
  const chosen = useValue(theme)
  const at = themes.findIndex(each => each.theme === chosen)
  const next = themes[(at + 1) % themes.length]!
  const turn = () => chooseTheme(next.theme)
  useShortcut('d', 'dark, light, or as the system has it', turn)
  // What follows the system follows it while the page is open.
  const [, look] = useState(0)
  useEffect(() => {
    const media = matchMedia('(prefers-color-scheme: dark)')
    const hear = () => look(count => count + 1)
    media.addEventListener('change', hear)
    return () => media.removeEventListener('change', hear)
  }, [])
  const { sign, says } = themes[Math.max(at, 0)]!
  return (
    <button
      type="button"
      className="quiet"
      aria-label={`Colours: ${says}`}
      title={`Colours: ${says} (d)`}
      onClick={turn}
    >
      <Sign path={sign} />
    </button>
  )
}
