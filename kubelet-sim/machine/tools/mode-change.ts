// chmod's words: `755`, `u+x,g-w`, `a=rX`, `+t`.

import { ToolError } from './tool.ts'

const who: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 }
const bits: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111, s: 0o6000, t: 0o1000 }

export function changedMode(text: string, mode: number, isDirectory: boolean, umask: number): number {
  if (/^[0-7]{1,5}$/.test(text)) return Number.parseInt(text, 8) & 0o7777
  let next = mode
  for (const clause of text.split(',')) {
    const match = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(clause)
    if (match === null) throw new ToolError(`invalid mode '${text}'`)
    const named = match[1]!
    let whose = 0
    for (const letter of named) whose |= who[letter]!
    if (named === '') whose = 0o7777 & ~umask
    for (const [, sign, what] of match[2]!.matchAll(/([-+=])([rwxXstugo]*)/g)) {
      let rights = 0
      for (const letter of what!) {
        if (letter === 'X') rights |= isDirectory || (mode & 0o111) !== 0 ? 0o111 : 0
        else if ('ugo'.includes(letter)) rights |= ((next >> { u: 6, g: 3, o: 0 }[letter as 'u']!) & 7) * 0o111
        else rights |= bits[letter]!
      }
      const meant = rights & whose
      if (sign === '+') next |= meant
      else if (sign === '-') next &= ~meant
      else next = (next & ~(whose & 0o777)) | meant
    }
  }
  return next & 0o7777
}
