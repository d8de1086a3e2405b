// SQL as far as the simulated databases understand it: one table at a time, created, filled, asked, changed. A statement is read into
// data; what is SQL and not understood is a `missing` fault, which its database tells by name, all else a `syntax` fault.

export type Value = string | number | boolean | null

export type Expression =
  | { readonly is: 'value'; readonly value: Value }
  | { readonly is: 'column'; readonly name: string }
  | { readonly is: 'variable'; readonly name: string }
  | { readonly is: 'call'; readonly name: string; readonly args: readonly Expression[]; readonly star: boolean }
  | { readonly is: 'not' | 'minus'; readonly of: Expression }
  | { readonly is: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly is: 'null'; readonly of: Expression; readonly not: boolean }
  | { readonly is: 'in'; readonly of: Expression; readonly list: readonly Expression[]; readonly not: boolean }

export interface TableName {
  readonly database?: string | undefined
  readonly name: string
}

export interface ColumnDefinition {
  readonly name: string
  readonly type: string
  readonly isKey: boolean
  readonly isRequired: boolean
  readonly isUnique: boolean
  /** Numbered by the table itself. */
  readonly isNumbered: boolean
  readonly otherwise?: Expression | undefined
}

export interface SelectItem {
  /** undefined: all columns. */
  readonly of?: Expression
  readonly as?: string | undefined
}

export type Statement =
  | {
      readonly does: 'select'
      readonly items: readonly SelectItem[]
      readonly from?: TableName | undefined
      readonly where?: Expression | undefined
      readonly order: readonly { readonly by: Expression; readonly down: boolean }[]
      readonly limit?: number | undefined
      readonly offset: number
    }
  | {
      readonly does: 'insert'
      readonly table: TableName
      readonly columns?: readonly string[] | undefined
      readonly rows: readonly (readonly Expression[])[]
      readonly returning: readonly SelectItem[]
      readonly skips: boolean
    }
  | {
      readonly does: 'update'
      readonly table: TableName
      readonly set: readonly (readonly [string, Expression])[]
      readonly where?: Expression | undefined
    }
  | { readonly does: 'delete'; readonly table: TableName; readonly where?: Expression | undefined }
  | { readonly does: 'truncate'; readonly table: TableName }
  | {
      readonly does: 'create table'
      readonly table: TableName
      readonly unless: boolean
      readonly columns: readonly ColumnDefinition[]
    }
  | { readonly does: 'drop table'; readonly tables: readonly TableName[]; readonly ifThere: boolean }
  | { readonly does: 'create database' | 'drop database'; readonly name: string; readonly quiet: boolean }
  | { readonly does: 'use'; readonly name: string }
  | { readonly does: 'show'; readonly what: string; readonly like?: string | undefined }
  | { readonly does: 'describe'; readonly table: TableName }
  | { readonly does: 'begin' | 'commit' | 'rollback' }
  | { readonly does: 'account'; readonly name: string; readonly password?: string | undefined; readonly gone: boolean }
  /** What nobody would see here: SET, GRANT, CREATE INDEX, FLUSH. */
  | { readonly does: 'nothing'; readonly tag: string }

export type Fault =
  | { readonly kind: 'syntax'; readonly near: string }
  | { readonly kind: 'missing'; readonly what: string }
  | { readonly kind: 'no table' | 'table exists'; readonly name: string; readonly database: string }
  | { readonly kind: 'no column'; readonly name: string; readonly table: string }
  | { readonly kind: 'no database' | 'database exists' | 'no function' | 'no account'; readonly name: string }
  | { readonly kind: 'no database selected' }
  | { readonly kind: 'duplicate'; readonly table: string; readonly column: string; readonly value: Value }
  | { readonly kind: 'required'; readonly table: string; readonly column: string; readonly given: boolean }
  | { readonly kind: 'wrong value'; readonly value: string; readonly type: string; readonly column: string }
  | { readonly kind: 'count'; readonly more: boolean }
  | { readonly kind: 'zero' }
  | { readonly kind: 'disk'; readonly why: string }

export class SqlFault extends Error {
  override readonly name = 'SqlFault'
  readonly fault: Fault

  constructor(fault: Fault) {
    super(fault.kind)
    this.fault = fault
  }
}

interface Token {
  readonly kind: 'word' | 'quoted' | 'text' | 'number' | 'mark' | 'end'
  readonly text: string
  readonly at: number
  readonly end: number
}

const tokenPattern =
  /\s+|--[^\n]*|#[^\n]*|\/\*[\s\S]*?\*\/|(@{0,2}[A-Za-z_\u0080-\uffff][\w$.\u0080-\uffff]*)|"((?:[^"]|"")*)"|`([^`]*)`|'((?:[^'\\]|''|\\[\s\S])*)'|(\d+(?:\.\d+)?)|(::|<>|!=|<=|>=|\|\||[-+*/%(),;.=<>])|([\s\S])/g

/** `"x"` is a name in PostgreSQL and a text in MySQL. */
export type Dialect = 'postgres' | 'mysql'

function tokensOf(sql: string, dialect: Dialect): readonly Token[] {
  const tokens: Token[] = []
  for (const match of sql.matchAll(tokenPattern)) {
    const [whole, word, double, back, single, number, mark, other] = match
    const place = { at: match.index, end: match.index + whole.length }
    if (other !== undefined) throw new SqlFault({ kind: 'syntax', near: sql.slice(match.index) })
    if (word !== undefined) tokens.push({ kind: 'word', text: word, ...place })
    else if (double !== undefined) {
      const text = double.replaceAll('""', '"')
      tokens.push({ kind: dialect === 'mysql' ? 'text' : 'quoted', text, ...place })
    } else if (back !== undefined) tokens.push({ kind: 'quoted', text: back, ...place })
    else if (single !== undefined) {
      const plain = single.replaceAll("''", "'")
      const text =
        dialect === 'mysql' ? plain.replace(/\\([\s\S])/g, (_, c: string) => ({ n: '\n', t: '\t' })[c] ?? c) : plain
      tokens.push({ kind: 'text', text, ...place })
    } else if (number !== undefined) tokens.push({ kind: 'number', text: number, ...place })
    else if (mark !== undefined) tokens.push({ kind: 'mark', text: mark, ...place })
  }
  return tokens
}

/** The statements of a text, each with its own; an empty text has none. Each is parsed when its turn has come. */
export function splitStatements(sql: string, dialect: Dialect): readonly string[] {
  const parts: string[] = []
  let from = 0
  for (const { kind, text, at, end } of tokensOf(sql, dialect)) {
    if (kind !== 'mark' || text !== ';') continue
    parts.push(sql.slice(from, at))
    from = end
  }
  parts.push(sql.slice(from))
  return parts.map(part => part.trim()).filter(part => tokensOf(part, dialect).length > 0)
}

export function parseStatement(sql: string, dialect: Dialect): Statement {
  return new Parser(sql, dialect).statement()
}

const keywords: ReadonlySet<string> = new Set(
  (
    'from where order limit offset group having union join inner left right full cross natural on as and or not is in like ilike between ' +
    'values set returning asc desc using for window intersect except fetch into'
  ).split(' '),
)

class Parser {
  readonly #sql: string
  readonly #tokens: readonly Token[]
  readonly #dialect: Dialect
  #at = 0

  constructor(sql: string, dialect: Dialect) {
    this.#sql = sql
    this.#tokens = tokensOf(sql, dialect)
    this.#dialect = dialect
  }

  statement(): Statement {
    const parsed = this.#statement()
    if (!this.#isOver) {
      const word = this.#token.text.toLowerCase()
      if (this.#token.kind === 'word' && keywords.has(word)) this.#missing(this.#token.text.toUpperCase())
      this.#syntax()
    }
    return parsed
  }

  #statement(): Statement {
    const verb = this.#word()
    switch (verb) {
      case 'select':
        return this.#select()
      case 'insert':
      case 'replace':
        return this.#insert(verb)
      case 'update':
        return this.#update()
      case 'delete': {
        this.#expect('from')
        return { does: 'delete', table: this.#table(), where: this.#where() }
      }
      case 'truncate':
        this.#take('table')
        return { does: 'truncate', table: this.#table() }
      case 'create':
        return this.#create()
      case 'drop':
        return this.#drop()
      case 'use':
        return { does: 'use', name: this.#name() }
      case 'show':
        return this.#show()
      case 'describe':
      case 'desc':
        return { does: 'describe', table: this.#table() }
      case 'begin':
      case 'start':
        this.#rest()
        return { does: 'begin' }
      case 'commit':
      case 'end':
        return { does: 'commit' }
      case 'rollback':
        return { does: 'rollback' }
      case 'alter':
        if (this.#take('user') || this.#take('role')) return this.#account(false)
        return this.#missing(`ALTER ${this.#token.text.toUpperCase()}`)
      case 'set':
      case 'grant':
      case 'flush':
      case 'revoke':
      case 'analyze':
      case 'vacuum':
        this.#rest()
        return { does: 'nothing', tag: verb.toUpperCase() }
      default:
        if (missing.has(verb)) this.#missing(verb.toUpperCase())
        this.#at = 0
        return this.#syntax()
    }
  }

  #select(): Statement {
    if (this.#take('distinct')) this.#missing('DISTINCT')
    const items = this.#items()
    const from = this.#take('from') ? this.#table() : undefined
    if (from !== undefined && this.#token.kind === 'word' && !keywords.has(this.#token.text.toLowerCase())) this.#name()
    if (from !== undefined && this.#token.text === ',') this.#missing('several tables')
    const where = this.#where()
    const order: { by: Expression; down: boolean }[] = []
    if (this.#take('order')) {
      this.#expect('by')
      do {
        const by = this.#expression()
        order.push({ by, down: this.#take('desc') })
        this.#take('asc')
      } while (this.#mark(','))
    }
    let limit: number | undefined
    let offset = 0
    while (this.#token.kind === 'word') {
      if (this.#take('limit')) {
        limit = this.#number()
        if (this.#mark(',')) [offset, limit] = [limit, this.#number()]
      } else if (this.#take('offset')) offset = this.#number()
      else break
    }
    return { does: 'select', items, from, where, order, limit, offset }
  }

  #items(): readonly SelectItem[] {
    const items: SelectItem[] = []
    do {
      if (this.#mark('*')) {
        items.push({})
        continue
      }
      const start = this.#token.at
      const of = this.#expression()
      const text = this.#sql.slice(start, this.#tokens[this.#at - 1]!.end)
      let as: string | undefined
      if (this.#take('as')) as = this.#name()
      else if (this.#token.kind === 'quoted') as = this.#name()
      else if (this.#token.kind === 'word' && !keywords.has(this.#token.text.toLowerCase())) as = this.#name()
      items.push({ of, as: as ?? (this.#dialect === 'mysql' ? text : nameOf(of)) })
    } while (this.#mark(','))
    return items
  }

  #insert(verb: string): Statement {
    if (verb === 'replace') this.#missing('REPLACE')
    let skips = this.#take('ignore')
    this.#expect('into')
    const table = this.#table()
    const columns = this.#mark('(') ? this.#names() : undefined
    if (!this.#take('values') && !this.#take('value')) {
      if (this.#token.text.toLowerCase() === 'select') this.#missing('INSERT ... SELECT')
      this.#syntax()
    }
    const rows: Expression[][] = []
    do {
      this.#must('(')
      rows.push(this.#list())
    } while (this.#mark(','))
    if (this.#take('on')) {
      this.#expect('conflict')
      if (this.#mark('(')) this.#names()
      this.#expect('do')
      if (!this.#take('nothing')) this.#missing('ON CONFLICT DO UPDATE')
      skips = true
    }
    const returning = this.#take('returning') ? this.#items() : []
    return { does: 'insert', table, columns, rows, returning, skips }
  }

  #update(): Statement {
    const table = this.#table()
    this.#expect('set')
    const set: [string, Expression][] = []
    do {
      const column = this.#name()
      this.#must('=')
      set.push([column, this.#expression()])
    } while (this.#mark(','))
    return { does: 'update', table, set, where: this.#where() }
  }

  #create(): Statement {
    if (this.#take('database') || this.#take('schema')) {
      const quiet = this.#ifNotExists()
      const name = this.#name()
      this.#rest()
      return { does: 'create database', name, quiet }
    }
    if (this.#take('user') || this.#take('role')) {
      this.#ifNotExists()
      return this.#account(false)
    }
    if (this.#take('unique') || this.#token.text.toLowerCase() === 'index') {
      this.#rest()
      return { does: 'nothing', tag: 'CREATE INDEX' }
    }
    if (!this.#take('table')) this.#missing(`CREATE ${this.#token.text.toUpperCase()}`)
    const unless = this.#ifNotExists()
    const table = this.#table()
    if (this.#token.text.toLowerCase() === 'as') this.#missing('CREATE TABLE AS')
    this.#must('(')
    const columns: ColumnDefinition[] = []
    const keys = new Set<string>()
    do {
      const start = this.#token.text.toLowerCase()
      if (
        ['primary', 'unique', 'key', 'index', 'foreign', 'constraint', 'check'].includes(start) &&
        this.#token.kind === 'word'
      ) {
        const isPrimary = start === 'primary'
        while (this.#token.text !== '(' && !this.#isOver) this.#at++
        this.#must('(')
        const from = this.#at
        if (isPrimary) for (const name of this.#names()) keys.add(name.toLowerCase())
        else {
          this.#at = from
          this.#skipBraces()
        }
        while (![',', ')'].includes(this.#token.text) && !this.#isOver) {
          if (this.#mark('(')) this.#skipBraces()
          else this.#at++
        }
      } else columns.push(this.#column())
    } while (this.#mark(','))
    this.#must(')')
    this.#rest()
    return {
      does: 'create table',
      table,
      unless,
      columns: columns.map(each =>
        keys.has(each.name.toLowerCase()) ? { ...each, isKey: true, isRequired: true } : each,
      ),
    }
  }

  #column(): ColumnDefinition {
    const name = this.#name()
    let type = this.#word()
    if (this.#mark('(')) {
      const from = this.#at
      this.#skipBraces()
      type += `(${this.#tokens
        .slice(from, this.#at - 1)
        .map(each => each.text)
        .join('')})`
    }
    const facts = { isKey: false, isRequired: false, isUnique: false, isNumbered: /^(big|small)?serial/.test(type) }
    let otherwise: Expression | undefined
    while (![',', ')'].includes(this.#token.text) && !this.#isOver) {
      if (this.#take('primary')) {
        this.#expect('key')
        facts.isKey = true
      } else if (this.#take('not')) {
        this.#expect('null')
        facts.isRequired = true
      } else if (this.#take('unique')) facts.isUnique = true
      else if (this.#take('auto_increment') || this.#take('identity')) facts.isNumbered = true
      else if (this.#take('default')) otherwise = this.#primary()
      else if (this.#mark('(')) this.#skipBraces()
      else this.#at++
    }
    return { name, type, otherwise, ...facts, isRequired: facts.isRequired || facts.isKey }
  }

  #drop(): Statement {
    const isDatabase = this.#take('database') || this.#take('schema')
    if (!isDatabase && (this.#take('user') || this.#take('role'))) {
      this.#ifExists()
      return this.#account(true)
    }
    if (!isDatabase && !this.#take('table')) this.#missing(`DROP ${this.#token.text.toUpperCase()}`)
    const ifThere = this.#ifExists()
    if (isDatabase) return { does: 'drop database', name: this.#name(), quiet: ifThere }
    const tables = [this.#table()]
    while (this.#mark(',')) tables.push(this.#table())
    this.#rest()
    return { does: 'drop table', tables, ifThere }
  }

  #account(gone: boolean): Statement {
    const name = this.#token.kind === 'text' ? this.#next().text : this.#name()
    let password: string | undefined
    while (!this.#isOver) {
      const { kind, text } = this.#next()
      if (kind === 'word' && /^(password|by)$/i.test(text) && this.#token.kind === 'text') password = this.#next().text
    }
    return { does: 'account', name: name.replace(/@.*/, ''), password, gone }
  }

  #show(): Statement {
    const words: string[] = []
    while (this.#token.kind === 'word' && this.#token.text.toLowerCase() !== 'like') words.push(this.#word())
    const like = this.#take('like') ? this.#next().text : undefined
    if (words.length === 0) this.#syntax()
    return { does: 'show', what: words.join(' '), like }
  }

  // ---- expressions

  #where(): Expression | undefined {
    return this.#take('where') ? this.#expression() : undefined
  }

  #expression(): Expression {
    let left = this.#conjunction()
    while (this.#take('or')) left = { is: 'binary', operator: 'or', left, right: this.#conjunction() }
    return left
  }

  #conjunction(): Expression {
    let left = this.#negation()
    while (this.#take('and')) left = { is: 'binary', operator: 'and', left, right: this.#negation() }
    return left
  }

  #negation(): Expression {
    return this.#take('not') ? { is: 'not', of: this.#negation() } : this.#comparison()
  }

  #comparison(): Expression {
    const left = this.#sum()
    if (this.#take('is')) {
      const not = this.#take('not')
      this.#expect('null')
      return { is: 'null', of: left, not }
    }
    const not = this.#take('not')
    if (this.#take('in')) {
      this.#must('(')
      if (this.#token.text.toLowerCase() === 'select') this.#missing('a SELECT inside another')
      return { is: 'in', of: left, list: this.#list(), not }
    }
    if (this.#take('between')) {
      const low = this.#sum()
      this.#expect('and')
      const both: Expression = {
        is: 'binary',
        operator: 'and',
        left: { is: 'binary', operator: '>=', left, right: low },
        right: { is: 'binary', operator: '<=', left, right: this.#sum() },
      }
      return not ? { is: 'not', of: both } : both
    }
    for (const operator of ['like', 'ilike']) {
      if (!this.#take(operator)) continue
      const like: Expression = { is: 'binary', operator, left, right: this.#sum() }
      return not ? { is: 'not', of: like } : like
    }
    if (not) this.#syntax()
    for (const operator of ['=', '<>', '!=', '<=', '>=', '<', '>']) {
      if (this.#mark(operator)) return { is: 'binary', operator, left, right: this.#sum() }
    }
    return left
  }

  #sum(): Expression {
    let left = this.#product()
    for (;;) {
      const operator = ['+', '-', '||'].find(each => this.#mark(each))
      if (operator === undefined) return left
      left = { is: 'binary', operator, left, right: this.#product() }
    }
  }

  #product(): Expression {
    let left = this.#primary()
    for (;;) {
      const operator = ['*', '/', '%'].find(each => this.#mark(each))
      if (operator === undefined) return left
      left = { is: 'binary', operator, left, right: this.#primary() }
    }
  }

  #primary(): Expression {
    const found = this.#plain()
    // A cast changes nothing that is shown.
    while (this.#mark('::')) {
      this.#word()
      if (this.#mark('(')) this.#skipBraces()
    }
    return found
  }

  #plain(): Expression {
    const { kind, text } = this.#token
    if (kind === 'number') return { is: 'value', value: Number(this.#next().text) }
    if (kind === 'text') return { is: 'value', value: this.#next().text }
    if (this.#mark('-')) return { is: 'minus', of: this.#primary() }
    if (this.#mark('+')) return this.#primary()
    if (this.#mark('(')) {
      if (this.#token.text.toLowerCase() === 'select') this.#missing('a SELECT inside another')
      const inner = this.#expression()
      this.#must(')')
      return inner
    }
    if (kind === 'quoted') return { is: 'column', name: this.#name() }
    if (kind !== 'word') return this.#syntax()
    const word = text.toLowerCase()
    if (word === 'null' || word === 'true' || word === 'false') {
      this.#at++
      return { is: 'value', value: word === 'null' ? null : word === 'true' }
    }
    if (word === 'case' || word === 'exists') this.#missing(word.toUpperCase())
    if (keywords.has(word)) this.#syntax()
    if (word.startsWith('@@')) {
      this.#at++
      return { is: 'variable', name: word.slice(2).replace(/^(global|session)\./, '') }
    }
    this.#at++
    if (this.#mark('(')) {
      const star = this.#mark('*')
      if (star) this.#must(')')
      return { is: 'call', name: word.replace(/^pg_catalog\./, ''), args: star ? [] : this.#list(), star }
    }
    if (bare.has(word)) return { is: 'call', name: word, args: [], star: false }
    return { is: 'column', name: text.slice(text.lastIndexOf('.') + 1) }
  }

  /** Up to the closing brace. */
  #list(): Expression[] {
    const list: Expression[] = []
    if (this.#mark(')')) return list
    do {
      if (this.#take('default')) list.push({ is: 'call', name: 'default', args: [], star: false })
      else list.push(this.#expression())
    } while (this.#mark(','))
    this.#must(')')
    return list
  }

  #names(): string[] {
    const names: string[] = []
    do names.push(this.#name())
    while (this.#mark(','))
    this.#must(')')
    return names
  }

  // ---- tokens

  get #isOver(): boolean {
    return this.#at >= this.#tokens.length
  }

  get #token(): Token {
    const { length } = this.#sql
    return this.#tokens[this.#at] ?? { kind: 'end', text: '', at: length, end: length }
  }

  #next(): Token {
    const token = this.#token
    if (token.kind === 'end') this.#syntax()
    this.#at++
    return token
  }

  /** A word, in lower case. */
  #word(): string {
    if (this.#token.kind !== 'word') this.#syntax()
    return this.#next().text.toLowerCase()
  }

  #take(word: string): boolean {
    const { kind, text } = this.#token
    if (kind !== 'word' || text.toLowerCase() !== word) return false
    this.#at++
    return true
  }

  #expect(word: string): void {
    if (!this.#take(word)) this.#syntax()
  }

  #mark(mark: string): boolean {
    const { kind, text } = this.#token
    if (kind !== 'mark' || text !== mark) return false
    this.#at++
    return true
  }

  #must(mark: string): void {
    if (!this.#mark(mark)) this.#syntax()
  }

  #name(): string {
    const { kind } = this.#token
    if (kind !== 'word' && kind !== 'quoted') this.#syntax()
    const { text } = this.#next()
    return kind === 'word' ? text.toLowerCase() : text
  }

  #table(): TableName {
    const first = this.#name()
    if (this.#mark('.')) return { database: first, name: this.#name() }
    const dot = first.indexOf('.')
    return dot < 0 ? { name: first } : { database: first.slice(0, dot), name: first.slice(dot + 1) }
  }

  #number(): number {
    if (this.#token.kind !== 'number') this.#syntax()
    return Number(this.#next().text)
  }

  #ifNotExists(): boolean {
    if (!this.#take('if')) return false
    this.#expect('not')
    this.#expect('exists')
    return true
  }

  #ifExists(): boolean {
    if (!this.#take('if')) return false
    this.#expect('exists')
    return true
  }

  #skipBraces(): void {
    for (let open = 1; open > 0; ) {
      const { text, kind } = this.#next()
      if (kind === 'mark') open += text === '(' ? 1 : text === ')' ? -1 : 0
    }
  }

  #rest(): void {
    this.#at = this.#tokens.length
  }

  #syntax(): never {
    throw new SqlFault({ kind: 'syntax', near: this.#sql.slice(this.#token.at) })
  }

  #missing(what: string): never {
    throw new SqlFault({ kind: 'missing', what })
  }
}

/** As PostgreSQL names a column that nobody has named. */
function nameOf(of: Expression): string {
  if (of.is === 'column' || of.is === 'call') return of.name
  return of.is === 'value' && typeof of.value === 'boolean' ? 'bool' : '?column?'
}

/** Called without braces. */
const bare: ReadonlySet<string> = new Set(
  'current_user session_user user current_database current_timestamp current_date localtimestamp current_schema'.split(
    ' ',
  ),
)

const missing: ReadonlySet<string> = new Set(
  'with explain copy merge call do declare fetch lock listen notify prepare execute load handler rename savepoint release comment values table kill'.split(
    ' ',
  ),
)
