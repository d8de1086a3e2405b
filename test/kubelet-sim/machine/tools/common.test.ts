// The commonest tools do what busybox does: output, messages, exit code, files.

import { describe } from 'vitest'
import { goldenTests } from './golden.ts'

describe('as busybox', () => goldenTests('common'))
