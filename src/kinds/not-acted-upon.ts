// Said to whoever creates an object of a kind that is served and kept, but that no controller acts on yet: nobody shall wait
// in vain for its pods or its volume. Called by those kinds' own files; once a controller comes, its kind's call goes.

/** `kinds` in the plural: `StatefulSets`. */
export function notActedUpon(kinds: string, old: unknown): string[] {
  return old === undefined ? [`kubesim stores ${kinds}, but no controller acts on them yet`] : []
}
