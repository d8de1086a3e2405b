// The page's entry: takes the key out of the address, sets the theme, and shows the page.

import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Page } from './page/page.tsx'
import { applyTheme } from './page/theme.ts'
import './styles/tokens.css'
import './styles/page.css'

if (new URLSearchParams(location.search).has('key')) history.replaceState(null, '', `/${location.hash}`)
applyTheme()
createRoot(document.getElementById('page')!).render(
  <StrictMode>
    <Page />
  </StrictMode>,
)
