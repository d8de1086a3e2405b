// Writes that their author puts off as long as nobody looks: before such objects are read he makes those that are
// outstanding, and while somebody watches them he makes each in its time. So nobody can tell, and nothing is written for
// nobody. What reads `quietly` is no looking. Called by registry.ts; who puts off what, src/cluster.ts says.

import { parseFieldSelector } from '../../src/api/fields.ts'
import type { Cancel } from '../../src/env/clock.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import type { Asked, Reading, ReadingList, ResourceRegistry } from './registry.ts'

export interface PutOff {
  readonly kind: Kind<any>
  /** Of others of the kind nothing is put off. */
  readonly namespace: string
  /** Makes what is outstanding, of one object or of all; undefined: nothing is. */
  make(name?: string): Promise<void> | undefined
  /** Somebody watches from now on, until the cancel. */
  follow(): Cancel
}

export function lookedAt(resource: ResourceRegistry, putOff: PutOff): ResourceRegistry {
  const concerns = ({ namespace, isQuiet }: Asked): boolean =>
    !isQuiet && (namespace === undefined || namespace === putOff.namespace)
  return {
    ...resource,
    async ready<T extends Reading | ReadingList>(read: () => T, asked: Asked): Promise<T> {
      if (concerns(asked)) await putOff.make(nameIn(asked))
      return resource.ready ? resource.ready(read, asked) : read()
    },
    watch(request, reader) {
      const stop = resource.watch(request, reader)
      if (!concerns(request)) return stop
      const leave = putOff.follow()
      void putOff.make()
      return () => {
        leave()
        stop()
      }
    },
  }
}

function nameIn({ name, fieldSelector }: Asked): string | undefined {
  if (name !== undefined || !fieldSelector) return name
  return parseFieldSelector(fieldSelector).exactly('metadata.name')
}
