// Hexadecimal numbers that look like digests and container ids, and are always the same for the same text. Not secure,
// and not meant to be: they only have to differ. (No node:crypto, so that a cluster also runs where there is none.)

/** 64 hexadecimal digits. */
export function fingerprint(text: string): string {
  let digits = ''
  for (let part = 0; part < 8; part++) digits += hash(text, part).toString(16).padStart(8, '0')
  return digits
}

/** FNV-1a with a final mix, from a seed. */
function hash(text: string, seed: number): number {
  let value = Math.imul(0x811c9dc5 ^ seed, 0x9e3779b1)
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  value ^= value >>> 16
  value = Math.imul(value, 0x85ebca6b)
  value ^= value >>> 13
  value = Math.imul(value, 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
