// sed, find, xargs, expr and the digests do what busybox does.

import { describe } from 'vitest'
import { goldenTests } from './golden.ts'

describe('as busybox', () => goldenTests('text'))
