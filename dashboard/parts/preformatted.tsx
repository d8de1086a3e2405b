// Text as it stands, in a box that scrolls when it is too small – and is then reached by keyboard.

import type { ReactNode } from 'react'

export function Preformatted({ children }: { readonly children: ReactNode }) {
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard
  return <pre tabIndex={0}>{children}</pre>
}
