// Hexadecimal numbers that look like digests and container ids, and are always the same for the same text. Not secure,
// and not meant to be: they only have to differ. (No node:crypto, so that a cluster also runs where there is none.)

/** 64 hexadecimal digits, from two independent hashes of the text. */
export function fingerprint(text: string): string {
  const one = hash(text, 0x811c9dc5)
  const other = hash(text, 0x050c5d1f) | 1
  let digits = ''
  for (let part = 1; part <= 8; part++) {
    const word = mix(one + Math.imul(other, part))
    digits += (word >>> 0).toString(16).padStart(8, '0')
  }
  return digits
}

/** FNV-1a. */
function hash(text: string, seed: number): number {
  let value = seed
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return mix(value)
}

/** MurmurHash3's last step. */
function mix(value: number): number {
  let mixed = value ^ (value >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
