// awk does what busybox's does.

import { describe, expect, test } from 'vitest'
import { tools } from '../../../../kubelet-sim/machine/tools/index.ts'
import { testMachine } from '../machine.ts'
import { goldenTests } from './golden.ts'

describe('as busybox', () => goldenTests('awk'))

describe('what the busybox of the golden files was built without', () => {
  test('powers and functions', async () => {
    const { run } = testMachine({ programs: tools })
    const program = 'BEGIN{print 2^10, -2^2, 2**3, sqrt(16), exp(0), log(1); x = 3; x ^= 2; print x}'
    expect((await run(['awk', program])).stdout).toBe('1024 -4 8 4 1 0\n9\n')
  })
})
