// A row of tabs: one stop of the Tab key, arrows among them.

import { useRoving } from './roving.ts'

interface TabsProps {
  readonly label: string
  readonly tabs: readonly { readonly id: string; readonly title: string }[]
  readonly chosen: string
  readonly choose: (id: string) => void
}

export function Tabs({ label, tabs, chosen, choose }: TabsProps) {
  const roving = useRoving<HTMLDivElement>()
  return (
    <div className="tabs" role="tablist" aria-label={label} {...roving}>
      {tabs.map(({ id, title }) => (
        <button
          key={id}
          type="button"
          role="tab"
          data-roving
          tabIndex={-1}
          aria-selected={id === chosen}
          onClick={() => choose(id)}
        >
          {title}
        </button>
      ))}
    </div>
  )
}
