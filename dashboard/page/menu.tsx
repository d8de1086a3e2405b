// The menu of views, at the left. Digits open them too.

import { Sign } from '../parts/sign.tsx'
import { views } from '../views/index.ts'
import type { View } from '../views/view.ts'
import { addressOf, go, usePlace } from './place.ts'
import { useShortcut } from './shortcuts.ts'

export function Menu({ current }: { readonly current: string }) {
  const place = usePlace()
  return (
    <nav className="menu" aria-label="Views">
      {views.map((view, index) => (
        <a
          key={view.id}
          href={addressOf({ ...place, view: view.id, own: {} })}
          aria-current={view.id === current ? 'page' : undefined}
          title={view.about}
        >
          <Sign path={view.sign} />
          <span>{view.title}</span>
          <kbd>{index + 1}</kbd>
          <MenuKey view={view} digit={index + 1} />
        </a>
      ))}
    </nav>
  )
}

function MenuKey({ view, digit }: { readonly view: View; readonly digit: number }) {
  useShortcut(String(digit), `view ${view.title}: ${view.about}`, () => go({ view: view.id }))
  return null
}
