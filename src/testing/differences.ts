// What an expectation misses in an object, line by line: `status.readyReplicas: 1, not 2`. Called by cluster.ts.

/** Where an object has not what is wanted, which may be less than there is. */
export function differences(wanted: unknown, found: unknown, path = ''): string[] {
  if (Array.isArray(wanted) && Array.isArray(found)) {
    const lengths = wanted.length === found.length ? [] : [`${path}: ${found.length} elements, not ${wanted.length}`]
    return [...lengths, ...wanted.flatMap((each, at) => differences(each, found[at], `${path}[${at}]`))]
  }
  if (typeof wanted === 'object' && wanted !== null && typeof found === 'object' && found !== null) {
    return Object.entries(wanted).flatMap(([key, value]) =>
      differences(value, (found as Record<string, unknown>)[key], path === '' ? key : `${path}.${key}`),
    )
  }
  return Object.is(wanted, found) ? [] : [`${path}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`]
}
