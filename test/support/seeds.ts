// The documents this project came from, when they stand beside the checkout: their manifests, as they are written there.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../../../shared/seeds', import.meta.url))

/** Why tests on the seeds cannot run here, or undefined when they can. */
export const noSeeds: string | undefined = existsSync(folder)
  ? undefined
  : 'the seed documents are not beside this checkout'

/** All YAML blocks that are Kubernetes manifests, their indentation taken off, in order of document and place. */
export function seedManifests(): { readonly document: string; readonly text: string }[] {
  return readdirSync(folder)
    .sort()
    .flatMap(document =>
      blocks(readFileSync(join(folder, document), 'utf8'), 'ya?ml')
        .filter(text => /^apiVersion:/m.test(text))
        .map(text => ({ document, text })),
    )
}

/** A fenced block of a document whose text holds a word. */
export function seedBlock(language: string, holding: string): string {
  for (const document of readdirSync(folder).sort()) {
    for (const text of blocks(readFileSync(join(folder, document), 'utf8'), language)) {
      if (text.includes(holding)) return text
    }
  }
  throw new Error(`no ${language} block holds "${holding}"`)
}

function blocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^([ \\t]*)\`\`\`(?:${language})\\n([\\s\\S]*?)^[ \\t]*\`\`\``, 'gm'))].map(
    ([, indent, body]) =>
      body!
        .split('\n')
        .map(line => (line.startsWith(indent!) ? line.slice(indent!.length) : line))
        .join('\n'),
  )
}
