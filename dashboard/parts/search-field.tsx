// A field whose words narrow down what is shown.

import type { Ref } from 'react'

interface SearchFieldProps {
  readonly label: string
  /** Where it says more than the label does: an example. */
  readonly placeholder?: string
  readonly words: string
  readonly onWords: (words: string) => void
  /** In characters. */
  readonly size?: number
  readonly field?: Ref<HTMLInputElement>
}

export function SearchField({ label, placeholder = label, words, onWords, size, field }: SearchFieldProps) {
  return (
    <input
      ref={field}
      type="search"
      placeholder={placeholder}
      aria-label={label}
      value={words}
      onChange={event => onWords(event.target.value)}
      size={size}
    />
  )
}
