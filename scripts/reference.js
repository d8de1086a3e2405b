// npm run reference: the reference of the library, as Markdown below docs/reference/, from the docstrings of what `kubesim` and
// `kubesim/testing` export. Fails when an exported name has none. Not kept in git: made here, and with each package.

import { rmSync } from 'node:fs'
import { register } from 'node:module'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

// TypeScript 7 has no programming interface; TypeDoc works with the one of TypeScript 6.
const resolve = `export const resolve = (name, context, next) => next(name === 'typescript' ? 'typescript-6' : name, context)`

/** Whether every exported name is documented; what is not, TypeDoc prints. */
export async function reference(folder = `${root}docs/reference`) {
  register(`data:text/javascript,${encodeURIComponent(resolve)}`)
  const { Application } = await import('typedoc')
  const app = await Application.bootstrapWithPlugins({
    tsconfig: `${root}tsconfig.json`,
    plugin: ['typedoc-plugin-markdown'],
    entryPoints: [`${root}src/testing/index.ts`, `${root}src/index.ts`],
    name: 'kubesim',
    readme: 'none',
    outputs: [{ name: 'markdown', path: folder }],
    outputFileStrategy: 'modules',
    skipErrorChecking: true,
    excludeExternals: true,
    hidePageHeader: true,
    useCodeBlocks: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    typeDeclarationFormat: 'table',
    excludePrivate: true,
    excludeInternal: true,
    disableSources: true,
    disableGit: true,
    requiredToBeDocumented: ['Class', 'Interface', 'TypeAlias', 'Variable', 'Function', 'Method'],
    validation: { notExported: false, notDocumented: true, invalidLink: true },
    logLevel: 'Warn',
  })
  const project = await app.convert()
  if (project === undefined) return false
  app.validate(project)
  rmSync(folder, { recursive: true, force: true })
  await app.generateOutputs(project)
  return !app.logger.hasErrors() && !app.logger.hasWarnings()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!(await reference(process.argv[2]))) process.exitCode = 1
}
