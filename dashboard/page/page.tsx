// The page: header, menu of views, the view that is open, the panel of the object that is open, and the footer.

import { lazy, Suspense, useEffect, useMemo } from 'react'
import { readReference } from '../api/resources.ts'
import { Failure } from '../parts/failure.tsx'
import { views } from '../views/index.ts'
import type { View } from '../views/view.ts'
import { AsOfBar } from './as-of.tsx'
import { ConnectionBanner } from './connection-banner.tsx'
import { Footer } from './footer.tsx'
import { Header } from './header.tsx'
import { HelpPanel } from './help-panel.tsx'
import { Menu } from './menu.tsx'
import { Palette } from './palette.tsx'
import { go, usePlace } from './place.ts'
import { useShortcutKeys } from './shortcuts.ts'

const loaded = new Map(views.map(view => [view.id, lazyView(view)]))
const ObjectPanel = lazy(async () => ({ default: (await import('../object/object-panel.tsx')).ObjectPanel }))

function lazyView(view: View) {
  return lazy(async () => ({ default: await view.load() }))
}

export function Page() {
  useShortcutKeys()
  const { view: id, object } = usePlace()
  const view = views.find(each => each.id === id) ?? views[0]!
  const ViewComponent = loaded.get(view.id)!
  const reference = useMemo(() => readReference(object), [object])
  useEffect(() => {
    document.title = `${view.title} – kubesim`
  }, [view])
  return (
    <div className="page">
      <button type="button" className="skip" onClick={() => document.getElementById('main')?.focus()}>
        To the view
      </button>
      <Header />
      <ConnectionBanner />
      <AsOfBar />
      <div className="page-body">
        <Menu current={view.id} />
        <main id="main" tabIndex={-1} aria-label={view.title}>
          <Failure key={view.id}>
            <Suspense fallback={<p className="loading">Loading …</p>}>
              <ViewComponent />
            </Suspense>
          </Failure>
        </main>
        {reference && (
          <Failure key={object}>
            <Suspense fallback={null}>
              <ObjectPanel reference={reference} close={() => go({ object: undefined, tab: undefined })} />
            </Suspense>
          </Failure>
        )}
      </div>
      <Footer />
      <HelpPanel />
      <Palette />
    </div>
  )
}
