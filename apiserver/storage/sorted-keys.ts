// SortedKeys: items in order of their keys, for listing without sorting: chunks of some hundred, so that adding and removing
// move little, and a range is found by two binary searches. Used for collections and for index terms.

export interface Keyed {
  readonly key: string
}

const fullChunk = 512

export class SortedKeys<T extends Keyed> {
  /** None is empty; every key of a chunk is smaller than every key of the next. */
  #chunks: T[][] = []
  #size = 0

  /** Of items in any order, no key twice. */
  static of<T extends Keyed>(items: T[]): SortedKeys<T> {
    const sorted = new SortedKeys<T>()
    items.sort((one, other) => (one.key < other.key ? -1 : 1))
    for (let start = 0; start < items.length; start += fullChunk / 2) {
      sorted.#chunks.push(items.slice(start, start + fullChunk / 2))
    }
    sorted.#size = items.length
    return sorted
  }

  get size(): number {
    return this.#size
  }

  /** The key must not be there yet. */
  add(item: T): void {
    this.#size++
    const last = this.#chunks.length - 1
    if (last < 0) {
      this.#chunks.push([item])
      return
    }
    const at = Math.min(this.#chunkOf(item.key), last)
    const chunk = this.#chunks[at]!
    chunk.splice(place(chunk, item.key), 0, item)
    if (chunk.length > fullChunk) this.#chunks.splice(at + 1, 0, chunk.splice(fullChunk / 2))
  }

  /** The key must be there. */
  remove(item: T): void {
    const at = this.#chunkOf(item.key)
    const chunk = this.#chunks[at]!
    if (chunk.length === 1) this.#chunks.splice(at, 1)
    else chunk.splice(place(chunk, item.key), 1)
    this.#size--
  }

  *beginningWith(prefix: string): Iterable<T> {
    for (let at = this.#chunkOf(prefix); at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at]!
      for (let index = chunk[0]!.key < prefix ? place(chunk, prefix) : 0; index < chunk.length; index++) {
        const item = chunk[index]!
        if (!item.key.startsWith(prefix)) return
        yield item
      }
    }
  }

  /** Hands every item whose key begins with the prefix to `take`, in order. */
  each(prefix: string, take: (item: T) => void): void {
    for (let at = this.#chunkOf(prefix); at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at]!
      const isWhole = chunk[0]!.key.startsWith(prefix) && chunk[chunk.length - 1]!.key.startsWith(prefix)
      const start = isWhole ? 0 : place(chunk, prefix)
      const end = isWhole ? chunk.length : placeAfter(chunk, prefix)
      for (let index = start; index < end; index++) take(chunk[index]!)
      if (end < chunk.length) return
    }
  }

  count(prefix: string): number {
    let count = 0
    for (let at = this.#chunkOf(prefix); at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at]!
      const isWhole = chunk[0]!.key.startsWith(prefix) && chunk[chunk.length - 1]!.key.startsWith(prefix)
      const end = isWhole ? chunk.length : placeAfter(chunk, prefix)
      count += end - (isWhole ? 0 : place(chunk, prefix))
      if (end < chunk.length) break
    }
    return count
  }

  /** The first chunk whose last key is not before this one; the number of chunks when there is none. */
  #chunkOf(key: string): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >> 1
      const chunk = this.#chunks[middle]!
      if (chunk[chunk.length - 1]!.key < key) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Of the first item whose key is not before this one. */
function place(chunk: readonly Keyed[], key: string): number {
  let low = 0
  let high = chunk.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (chunk[middle]!.key < key) low = middle + 1
    else high = middle
  }
  return low
}

/** Of the first item after all that begin with the prefix. */
function placeAfter(chunk: readonly Keyed[], prefix: string): number {
  let low = 0
  let high = chunk.length
  while (low < high) {
    const middle = (low + high) >> 1
    const { key } = chunk[middle]!
    if (key < prefix || key.startsWith(prefix)) low = middle + 1
    else high = middle
  }
  return low
}
