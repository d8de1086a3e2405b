// What a shell script is made of: the tree the parser (parser.ts) makes and the interpreter (shell.ts) walks.

export interface Word {
  readonly parts: readonly Part[]
  /** All it is, when nothing of it is expanded, split or matched against files. */
  readonly literal?: string | undefined
}

export type Part = TextPart | ParameterPart | SubstitutionPart | ArithmeticPart | ProcessPart

export interface TextPart {
  readonly kind: 'text'
  readonly text: string
  readonly quoted: boolean
}

export interface ParameterPart {
  readonly kind: 'parameter'
  readonly quoted: boolean
  readonly name: string
  /** `${a[1]}`, `${a[@]}`. */
  readonly subscript?: Word | undefined
  /** `${#a}` */
  readonly isLength?: boolean
  /** `${!a}`; with a subscript of `@`: the indexes. */
  readonly isIndirect?: boolean
  /** `${!prefix*}` */
  readonly isPrefix?: boolean
  /** `:-` `-` `:=` `=` `:?` `?` `:+` `+` `#` `##` `%` `%%` `/` `//` `/#` `/%` `:` `^` `^^` `,` `,,` `@` */
  readonly operator?: string
  readonly word?: Word | undefined
  /** What `/` puts there, or the length of `:offset:length`. */
  readonly second?: Word | undefined
}

export interface SubstitutionPart {
  readonly kind: 'substitution'
  readonly quoted: boolean
  readonly body: List
}

export interface ArithmeticPart {
  readonly kind: 'arithmetic'
  readonly quoted: boolean
  readonly expression: Word
}

/** `<(…)` and `>(…)` */
export interface ProcessPart {
  readonly kind: 'process'
  readonly quoted: boolean
  readonly direction: '<' | '>'
  readonly body: List
}

export interface Assignment {
  readonly name: string
  readonly subscript?: Word | undefined
  readonly append: boolean
  readonly value: Word | readonly ArrayElement[]
}

export interface ArrayElement {
  readonly subscript?: Word | undefined
  readonly value: Word
}

export type RedirectOperator = '<' | '>' | '>>' | '>|' | '<>' | '<&' | '>&' | '<<' | '<<<' | '&>' | '&>>'

export interface Redirect {
  /** undefined: 0 or 1, by the operator. */
  readonly descriptor: number | undefined
  readonly operator: RedirectOperator
  /** Of a here-document, its text. */
  readonly target: Word
}

export interface List {
  readonly items: readonly ListItem[]
}

export interface ListItem {
  readonly chain: Chain
  readonly isBackground: boolean
  /** For `jobs`. */
  readonly text: string
}

/** Pipelines joined by && and ||. */
export interface Chain {
  readonly first: Pipeline
  readonly rest: readonly { readonly operator: '&&' | '||'; readonly pipeline: Pipeline }[]
}

export interface Pipeline {
  readonly isNegated: boolean
  /** `time`; `-p` of it. */
  readonly timed?: 'posix' | 'plain' | undefined
  readonly commands: readonly Command[]
}

export type Command =
  | SimpleCommand
  | (Compound & { readonly redirects: readonly Redirect[]; readonly line: number })
  | FunctionDefinition

export interface SimpleCommand {
  readonly kind: 'simple'
  readonly assignments: readonly Assignment[]
  readonly words: readonly Word[]
  /** By place in `words`: `export A=(…)`, `local a=$b`. */
  readonly declarations?: ReadonlyMap<number, Assignment> | undefined
  readonly redirects: readonly Redirect[]
  readonly line: number
}

export type Compound =
  | { readonly kind: 'subshell'; readonly body: List }
  | { readonly kind: 'group'; readonly body: List }
  | {
      readonly kind: 'if'
      readonly branches: readonly { readonly test: List; readonly body: List }[]
      readonly otherwise?: List | undefined
    }
  | { readonly kind: 'loop'; readonly isUntil: boolean; readonly test: List; readonly body: List }
  | { readonly kind: 'for'; readonly name: string; readonly words: readonly Word[] | undefined; readonly body: List }
  | { readonly kind: 'count'; readonly start: Word; readonly test: Word; readonly step: Word; readonly body: List }
  | { readonly kind: 'case'; readonly subject: Word; readonly branches: readonly CaseBranch[] }
  | { readonly kind: 'select'; readonly name: string; readonly words: readonly Word[] | undefined; readonly body: List }
  | { readonly kind: 'condition'; readonly expression: Condition }
  | { readonly kind: 'arithmetic'; readonly expression: Word }

export interface CaseBranch {
  readonly patterns: readonly Word[]
  readonly body: List
  /** What follows it: `;;` ends, `;&` runs the next, `;;&` tries the next. */
  readonly end: ';;' | ';&' | ';;&'
}

/** Of `[[ … ]]`. */
export type Condition =
  | { readonly kind: 'and' | 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'not'; readonly operand: Condition }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Word }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Word; readonly right: Word }

export interface FunctionDefinition {
  readonly kind: 'function'
  readonly name: string
  readonly body: Command
  readonly line: number
}

/** What is asked of a shell: how it words things, and what it knows beyond POSIX. */
export type Dialect = 'ash' | 'dash' | 'bash'

export class SyntaxFault extends Error {
  override readonly name = 'SyntaxFault'
  readonly line: number
  /** What was found: a token, or undefined at the end. */
  readonly found: string | undefined
  /** More lines might make it whole: an open quote, a loop without its end. */
  readonly isIncomplete: boolean

  constructor(message: string, line: number, found: string | undefined, isIncomplete = false) {
    super(message)
    this.line = line
    this.found = found
    this.isIncomplete = isIncomplete
  }
}

export function isWord(value: Assignment['value']): value is Word {
  return 'parts' in value
}

/** Whether a script can say it. */
export function isVariableName(text: string): boolean {
  return /^[A-Za-z_]\w*$/.test(text)
}
