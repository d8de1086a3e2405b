// Dark or light: as the system has it, or as somebody has chosen here. Colours themselves are in styles/tokens.css.

import { createValue } from './value.ts'

export type Theme = 'system' | 'light' | 'dark'

const kept = 'kubesim-theme'

export const theme = createValue<Theme>((localStorage.getItem(kept) as Theme | null) ?? 'system')

export function chooseTheme(chosen: Theme): void {
  localStorage.setItem(kept, chosen)
  theme.set(chosen)
  applyTheme()
}

export function applyTheme(): void {
  const chosen = theme.get()
  if (chosen === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = chosen
}

export function isDark(chosen: Theme): boolean {
  return chosen === 'dark' || (chosen === 'system' && matchMedia('(prefers-color-scheme: dark)').matches)
}
