// What of python's, node's and php's command lines can be done here: python's file server, versions, and code that only prints,
// sleeps and exits. Pure: asked by images.ts, whether a container's command is run, and by the program that does it.

export type Interpreted =
  | { readonly does: 'serve'; readonly port: number; readonly host: string; readonly folder: string }
  | { readonly does: 'print'; readonly text: string }
  | { readonly does: 'steps'; readonly steps: readonly Step[] }

export type Step =
  | { readonly does: 'print'; readonly text: string }
  | { readonly does: 'sleep'; readonly seconds: number }
  | { readonly does: 'exit'; readonly code: number }

export type Language = 'Python' | 'JavaScript' | 'PHP'

const languages: readonly (readonly [RegExp, Language])[] = [
  [/^python(\d(\.\d+)?)?$/, 'Python'],
  [/^node(js)?$/, 'JavaScript'],
  [/^php$/, 'PHP'],
]

export const versions: Readonly<Record<Language, string>> = { Python: '3.13.7', JavaScript: '22.19.0', PHP: '8.3.26' }

export function languageOf(argv: readonly string[]): Language | undefined {
  const name = argv[0]?.slice(argv[0].lastIndexOf('/') + 1) ?? ''
  return languages.find(([pattern]) => pattern.test(name))?.[1]
}

/** The code of `-c`, `-e` and `-r`; undefined: it is in a file. */
export function codeOf(argv: readonly string[]): string | undefined {
  const flag = { Python: '-c', JavaScript: '-e', PHP: '-r' }[languageOf(argv) ?? 'Python']
  const at = argv.findIndex(word => word === flag || (flag === '-e' && (word === '--eval' || word === '-p')))
  return at < 0 ? undefined : (argv[at + 1] ?? '')
}

/** undefined: it is a program of somebody's own. */
export function interpreted(argv: readonly string[]): Interpreted | undefined {
  const language = languageOf(argv)
  if (language === undefined) return undefined
  const words = argv.slice(1).filter(word => word !== '-u' && word !== '-B')
  if (/^(-V|-v|--version)$/.test(words[0] ?? '')) return { does: 'print', text: versionWords[language] }
  if (language === 'Python' && words[0] === '-m' && words[1] === 'http.server') return serving(words.slice(2))
  const code = codeOf(argv)
  if (code === undefined) return undefined
  const steps = stepsOf(code, language)
  return steps && { does: 'steps', steps }
}

const versionWords: Readonly<Record<Language, string>> = {
  Python: `Python ${versions.Python}\n`,
  JavaScript: `v${versions.JavaScript}\n`,
  PHP: `PHP ${versions.PHP} (cli) (NTS)\n`,
}

function serving(words: readonly string[]): Interpreted | undefined {
  let [port, host, folder] = [8000, '0.0.0.0', '.']
  for (let at = 0; at < words.length; at++) {
    const [name = '', value] = words[at]!.split('=')
    const next = (): string => value ?? words[++at] ?? ''
    if (/^\d+$/.test(name)) port = Number(name)
    else if (name === '-b' || name === '--bind') host = next()
    else if (name === '-d' || name === '--directory') folder = next()
    else return undefined
  }
  return { does: 'serve', port, host, folder }
}

const literal = `("(?:[^"\\\\]|\\\\.)*"|'(?:[^'\\\\]|\\\\.)*'|-?\\d+(?:\\.\\d+)?)`
const forms: Readonly<Record<Language, readonly (readonly [RegExp, Step['does'] | 'nothing', string])[]>> = {
  Python: [
    [new RegExp(`^print\\(${literal}?(?:, *(?:flush=True|file=sys\\.stdout))*\\)$`), 'print', '\n'],
    [/^time\.sleep\((\d+(?:\.\d+)?)\)$/, 'sleep', ''],
    [/^(?:sys\.)?exit\((\d*)\)$/, 'exit', ''],
    [/^import [\w., ]+$|^pass$/, 'nothing', ''],
  ],
  JavaScript: [
    [new RegExp(`^console\\.log\\(${literal}?\\)$`), 'print', '\n'],
    [/^process\.exit\((\d*)\)$/, 'exit', ''],
  ],
  PHP: [
    [new RegExp(`^(?:echo|print) ?\\(?${literal}\\)?$`), 'print', ''],
    [/^sleep\((\d+)\)$/, 'sleep', ''],
    [/^exit\((\d*)\)$/, 'exit', ''],
  ],
}

function stepsOf(code: string, language: Language): readonly Step[] | undefined {
  const steps: Step[] = []
  for (const statement of code.split(/[;\n](?=(?:[^"']|"[^"]*"|'[^']*')*$)/)) {
    const plain = statement.trim()
    if (plain === '' || plain.startsWith('#')) continue
    const form = forms[language].find(([pattern]) => pattern.test(plain))
    if (form === undefined) return undefined
    const [pattern, does, end] = form
    const value = pattern.exec(plain)![1] ?? ''
    if (does === 'print') steps.push({ does, text: `${textOf(value)}${end}` })
    else if (does === 'sleep') steps.push({ does, seconds: Number(value) })
    else if (does === 'exit') steps.push({ does, code: Number(value) })
  }
  return steps
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' }
const textOf = (value: string): string =>
  /^["']/.test(value) ? value.slice(1, -1).replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter) : value
