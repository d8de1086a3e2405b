// The strings on the wire that are more than text: quantities, times, bytes. Called by the generated validators, so it says
// quickly yes to what stands there as the server itself would write it; all else is for the slow, exact way
// (apiserver/registry/decode.ts), which brings it into that form or refuses it.

export const wireFormats = { quantity, time, microTime, base64 }

/** A whole number that a greater suffix would not write shorter: `0`, `250m`, `1500Mi`, not `1000m` or `2048Mi`. */
function quantity(text: string): boolean {
  if (text.charCodeAt(0) === zero) return text.length === 1
  let digits = 0
  let number = 0
  for (let code = text.charCodeAt(0); isDigit(code); code = text.charCodeAt(++digits))
    number = number * 10 + code - zero
  if (digits === 0 || digits > 15) return false
  switch (text.length - digits) {
    case 0:
      return number % 1000 !== 0
    case 1:
      return number % 1000 !== 0 && decimal.includes(text[digits]!)
    case 2:
      return number % 1024 !== 0 && text[digits + 1] === 'i' && binary.includes(text[digits]!)
    default:
      return false
  }
}

const decimal = 'numkMGTPE'
const binary = 'KMGTPE'

/** `2024-05-01T12:00:00Z`. */
function time(text: string): boolean {
  return text.length === 20 && text[19] === 'Z' && isSecond(text)
}

/** `2024-05-01T12:00:00.000000Z`. */
function microTime(text: string): boolean {
  return text.length === 27 && text[26] === 'Z' && text[19] === '.' && areDigits(text, 20, 26) && isSecond(text)
}

function isSecond(text: string): boolean {
  if (text[4] !== '-' || text[7] !== '-' || text[10] !== 'T' || text[13] !== ':' || text[16] !== ':') return false
  if (!areDigits(text, 0, 4)) return false
  const month = twoDigits(text, 5)
  const day = twoDigits(text, 8)
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysOf(month))) return false
  return twoDigits(text, 11) <= 23 && twoDigits(text, 14) <= 59 && twoDigits(text, 17) <= 59
}

/** The 29th of February is for the slow way to tell. */
function daysOf(month: number): number {
  if (month === 2) return 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** NaN when they are none, which no comparison lets through. */
function twoDigits(text: string, at: number): number {
  return areDigits(text, at, at + 2) ? (text.charCodeAt(at) - zero) * 10 + text.charCodeAt(at + 1) - zero : Number.NaN
}

/** Standard alphabet, padded, without line breaks: as Go writes bytes. */
function base64(text: string): boolean {
  const { length } = text
  if (length % 4 !== 0) return false
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  for (let at = 0; at < length - padding; at++) if (!isBase64(text.charCodeAt(at))) return false
  return true
}

function isBase64(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || isDigit(code) || code === 43 || code === 47
}

const zero = 48

function isDigit(code: number): boolean {
  return code >= zero && code <= 57
}

function areDigits(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (!isDigit(text.charCodeAt(at))) return false
  return true
}
