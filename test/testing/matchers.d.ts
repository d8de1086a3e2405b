// As a user of vitest declares them, once for all tests.

import type { KubesimMatchers } from '../../src/testing/index.ts'

declare module 'vitest' {
  interface Matchers<T = any> extends KubesimMatchers<T> {}
}
