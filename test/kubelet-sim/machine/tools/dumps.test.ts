// diff, cmp, dd and what shows bytes do what busybox does.

import { describe } from 'vitest'
import { goldenTests } from './golden.ts'

describe('as busybox', () => goldenTests('dumps'))
