// npm run build: generates generated/ from @kubernetes/client-node and bundles the product into dist/, each only when one of
// its inputs changed. `--generate` makes generated/ only, `--anew` leaves nothing of before in dist/. Plain JavaScript for Node 20: npm start calls `build` every time.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

export async function build({ onlyGenerate = false, anew = false } = {}) {
  if (anew) rmSync(`${root}dist`, { recursive: true, force: true })
  await generateWhenStale()
  if (!onlyGenerate) await Promise.all([bundleWhenStale(), buildDashboardWhenStale()])
  if (anew) declareTypes(`${root}dist/types`)
}

/** The schemas' inputs: the package's version, the generator's sources, and the table of list semantics. */
async function generateWhenStale() {
  const wanted = digest([
    `${root}node_modules/@kubernetes/client-node/package.json`,
    `${root}node_modules/ajv/package.json`,
    `${root}scripts/generate-openapi.ts`,
    ...sourcesIn(`${root}scripts/generate`),
    `${root}src/kinds/merge-keys.ts`,
  ])
  const stamp = `${root}generated/.made-from`
  if (isStamped(stamp, wanted)) return
  process.stderr.write('kubesim: generating schemas and types ...\n')
  const { build: esbuild } = await import('esbuild')
  const program = `${root}generated/.generate-${process.pid}.mjs`
  mkdirSync(`${root}generated`, { recursive: true })
  await esbuild({
    entryPoints: [`${root}scripts/generate-openapi.ts`],
    outfile: program,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  }).catch(() => fail('the build failed: see above'))
  const { generate } = await import(pathToFileURL(program).href)
  try {
    generate(root)
  } finally {
    rmSync(program)
  }
  writeFileSync(stamp, wanted)
}

async function bundleWhenStale() {
  const stamp = `${root}dist/.made-from`
  const wanted = times([
    ...['src', 'apiserver', 'controllers', 'scheduler', 'kubelet-sim'].flatMap(room => sourcesIn(`${root}${room}`)),
    `${root}package.json`,
    `${root}package-lock.json`,
    `${root}scripts/build.js`,
    `${root}generated/.made-from`,
  ])
  if (isStamped(stamp, wanted)) return
  process.stderr.write('kubesim: building ...\n')
  const { build: esbuild } = await import('esbuild')
  mkdirSync(`${root}dist`, { recursive: true })
  const bundle = (entryPoints, chunkNames) =>
    esbuild({
      entryPoints,
      chunkNames,
      outdir: `${root}dist`,
      bundle: true,
      splitting: true,
      minifySyntax: true,
      minifyWhitespace: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      // What finds its own files or native code beside itself stays outside.
      external: ['classic-level', 'bufferutil', 'utf-8-validate', 'pino-pretty'],
      plugins: [withoutUnusedOfExpress],
      banner: { js: requireForBundledCommonJs },
      logLevel: 'warning',
      metafile: true,
    }).catch(() => fail('the build failed: see above'))
  // The library apart: what it loads at once would otherwise decide into what pieces the command is cut.
  const made = [
    await bundle({ kubesim: `${root}src/main.ts` }, 'chunk-[hash]'),
    await bundle({ index: `${root}src/index.ts`, testing: `${root}src/testing/index.ts` }, 'library-[hash]'),
  ]
  cpSync(`${root}generated/openapi.json`, `${root}dist/openapi.json`)
  const current = made.flatMap(({ metafile }) => Object.keys(metafile.outputs).map(output => basename(output)))
  removeOld(`${root}dist`, /^(chunk|library)-/, new Set(current))
  writeFileSync(stamp, wanted)
}

/** The page of `kubesim dashboard`, by Vite into dist/dashboard, with the licences of all that is in it. */
async function buildDashboardWhenStale() {
  const stamp = `${root}dist/dashboard/.made-from`
  const wanted = times([
    ...sourcesIn(`${root}dashboard`),
    // What of the server's rooms it shares.
    ...['src/api', 'src/kinds'].flatMap(room => sourcesIn(`${root}${room}`)),
    `${root}package-lock.json`,
    `${root}scripts/build.js`,
  ])
  if (isStamped(stamp, wanted)) return
  const { build: vite } = await import('vite')
  const { output } = await vite({ configFile: `${root}dashboard/vite.config.ts` }).catch(() =>
    fail('the build of the dashboard failed: see above'),
  )
  removeOld(`${root}dist/dashboard/assets`, /./, new Set(output.map(({ fileName }) => basename(fileName))))
  writeFileSync(stamp, wanted)
}

/** What the library's users' compilers read: only for a package that goes out. */
export function declareTypes(folder) {
  const words = [`${root}node_modules/typescript/bin/tsc`, '-p', `${root}tsconfig.types.json`, '--outDir', folder]
  const { status } = spawnSync(process.execPath, words, { stdio: 'inherit' })
  if (status !== 0) fail('the types could not be made: see above')
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.d.ts')) continue
    const text = readFileSync(`${folder}/${file}`, 'utf8')
    writeFileSync(`${folder}/${file}`, text.replace(/(from |import\()(['"])(\.[^'"]*)\.ts\2/g, '$1$2$3.js$2'))
  }
}

/** Runs a TypeScript program of this tree in a Node of its own; its exit code becomes ours. */
export async function runScript(entry, words) {
  const { build: esbuild } = await import('esbuild')
  const program = `${root}dist/${basename(entry, '.ts')}-script.mjs`
  await esbuild({
    entryPoints: [`${root}${entry}`],
    outfile: program,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  }).catch(() => fail('the build failed: see above'))
  process.exitCode = spawnSync(process.execPath, [program, ...words], { cwd: root, stdio: 'inherit' }).status ?? 1
}

/** A cluster or a page that runs on the build of before may still load its pieces; after a day nobody misses them. */
function removeOld(folder, names, current) {
  for (const file of readdirSync(folder)) {
    if (!names.test(file) || current.has(file)) continue
    if (statSync(`${folder}/${file}`).mtimeMs < Date.now() - 86_400_000) rmSync(`${folder}/${file}`)
  }
}

/**
 * Express brings what reads bodies in every character set of the world, serves files and knows a thousand media types, 650 kB to
 * load at every start; used here is its router alone.
 */
const withoutUnusedOfExpress = {
  name: 'without-unused-of-express',
  setup(build) {
    const unused = /^(?:body-parser|serve-static|send|mime-types)$/
    build.onResolve({ filter: unused }, ({ path }) => ({ path, namespace: 'nothing' }))
    build.onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: 'module.exports = {}', loader: 'js' }))
  },
}

/** What CommonJS packages take for granted. */
const requireForBundledCommonJs = [
  "import { createRequire as kubesimCreateRequire } from 'node:module'",
  "import { fileURLToPath as kubesimPath } from 'node:url'",
  'const require = kubesimCreateRequire(import.meta.url)',
  'const __filename = kubesimPath(import.meta.url)',
  "const __dirname = kubesimPath(new URL('.', import.meta.url))",
].join(';')

function fail(message) {
  process.stderr.write(`kubesim: ${message}\n`)
  process.exit(1)
}

function isStamped(stamp, wanted) {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted
}

function sourcesIn(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && /\.(ts|tsx|js|json|css|html|svg)$/.test(entry.name))
    .map(entry => `${entry.parentPath ?? entry.path}/${entry.name}`)
    .sort()
}

function digest(files) {
  const hash = createHash('sha256')
  for (const file of files) if (existsSync(file)) hash.update(file.slice(root.length)).update(readFileSync(file))
  return hash.digest('hex')
}

/** Names, sizes and times of change: enough to know that nothing changed, at the cost of one stat a file. */
function times(files) {
  const hash = createHash('sha256')
  for (const file of files) {
    const { mtimeMs, size } = statSync(file)
    hash.update(`${file} ${mtimeMs} ${size}\n`)
  }
  return hash.digest('hex')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build({ onlyGenerate: process.argv.includes('--generate'), anew: process.argv.includes('--anew') })
}
