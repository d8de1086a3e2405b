// Markdown of a lesson as elements of the page: what a lexer finds, and nothing as HTML.

import { lexer, type Token, type Tokens } from 'marked'
import { type ReactNode, useMemo } from 'react'
import { Preformatted } from '../../parts/preformatted.tsx'

export function Prose({ text }: { readonly text: string }) {
  const tokens = useMemo(() => lexer(text), [text])
  return <div className="prose">{tokens.map(block)}</div>
}

/** Of a question or a hint, in the line. */
export function InlineProse({ text }: { readonly text: string }) {
  const tokens = useMemo(() => lexer(text).flatMap(token => ('tokens' in token ? (token.tokens ?? []) : [])), [text])
  return <>{tokens.map(inline)}</>
}

function block(token: Token, key: number): ReactNode {
  if (token.type === 'paragraph') return <p key={key}>{children(token)}</p>
  if (token.type === 'list') {
    const { ordered, items } = token as Tokens.List
    const all = items.map((item, index) => <li key={index}>{item.tokens.map(listed)}</li>)
    return ordered ? <ol key={key}>{all}</ol> : <ul key={key}>{all}</ul>
  }
  if (token.type === 'blockquote') return <blockquote key={key}>{(token.tokens ?? []).map(block)}</blockquote>
  if (token.type === 'code') return <Preformatted key={key}>{(token as Tokens.Code).text}</Preformatted>
  return token.type === 'space' ? null : <p key={key}>{token.raw}</p>
}

const listed = (token: Token, key: number): ReactNode =>
  token.type === 'text' ? <span key={key}>{children(token)}</span> : block(token, key)

const children = (token: Token): ReactNode =>
  'tokens' in token && token.tokens !== undefined ? token.tokens.map(inline) : token.raw

function inline(token: Token, key: number): ReactNode {
  if (token.type === 'codespan') return <code key={key}>{(token as Tokens.Codespan).text}</code>
  if (token.type === 'strong') return <strong key={key}>{children(token)}</strong>
  if (token.type === 'em') return <em key={key}>{children(token)}</em>
  // Other pages of the docs are not part of this one.
  if (token.type === 'link' && !/^https?:/.test((token as Tokens.Link).href))
    return <span key={key}>{children(token)}</span>
  if (token.type === 'link')
    return (
      <a key={key} href={(token as Tokens.Link).href} target="_blank" rel="noreferrer">
        {children(token)}
      </a>
    )
  return token.type === 'text' || token.type === 'escape' ? (token as Tokens.Text).text : token.raw
}
