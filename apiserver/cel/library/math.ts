// The greatest and the least of several numbers. Rules: github.com/google/cel-go/ext/math.go.

import type { Environment } from '@marcbachmann/cel-js'
import { compareValues } from './comparing.ts'

class MathNamespace {}

export function registerMath(environment: Environment): void {
  const type = 'kubernetes.MathNamespace'
  environment.registerType(type, MathNamespace).registerConstant('math', type, new MathNamespace())
  for (const [name, sign] of [
    ['greatest', 1],
    ['least', -1],
  ] as const) {
    const pick = (values: readonly unknown[]): unknown =>
      values.reduce((best, each) => (compareValues(each, best) * sign > 0 ? each : best))
    environment.registerFunction(`${type}.${name}(list): dyn`, (_: unknown, list: readonly unknown[]) => {
      if (list.length === 0)
        throw new Error(`math.@${name === 'greatest' ? 'max' : 'min'}(list) argument must not be empty`)
      return pick(list)
    })
    for (const count of [2, 3, 4, 5]) {
      const parameters = Array(count).fill('dyn').join(', ')
      environment.registerFunction(`${type}.${name}(${parameters}): dyn`, (_: unknown, ...values: unknown[]) =>
        pick(values),
      )
    }
  }
}
