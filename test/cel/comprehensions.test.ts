// Comprehensions of two variables, and what optional values can do. Cases after cel-go's ext/comprehensions_test.go and
// cel/cel_test.go; costs are those of k8s.io/apiserver/pkg/cel/library/cost_test.go (TestTwoVariableComprehensionCost).

import { expect, test } from 'vitest'
import { createCel } from '../../apiserver/cel/compiler.ts'

const cel = createCel()
const bindings = { items: [1, 2], letters: { a: 'x', b: 'y' } }
const variables = { items: 'dyn', letters: 'dyn' } as const

const evaluate = (text: string): unknown => cel.compile(text, { variables }).evaluate(bindings, { left: 1e6 })
const fault = (text: string): string => {
  try {
    return `no fault, but ${JSON.stringify(evaluate(text))}`
  } catch (error) {
    return (error as Error).message.split('\n')[0]!
  }
}

test.each<[string, unknown]>([
  ['[1, 2, 3, 4].all(i, v, i < 5 && v > 0) && [1, 2].all(i, v, i > v) == false', true],
  ['{"hello": "world", "hello!": "worlds"}.exists(k, v, k.startsWith("hello") && v.endsWith("worlds"))', true],
  ['{"a": 1, "b": 1}.existsOne(k, v, v == 1)', false],
  ['{"a": 1, "b": 2}.exists_one(k, v, v == 1) && [1, 2].existsOne(v, v == 1)', true],
  ['[1, 2, 3].transformList(i, v, (i * v) + v)', [1, 4, 9]],
  ['[1, 2, 3].transformList(i, v, i % 2 == 0, (i * v) + v)', [1, 9]],
  ['{"greeting": "hello"}.transformList(k, v, "%s=%s".format([k, v]))', ['greeting=hello']],
  ['{"hello": "world", "bye": "moon"}.transformMap(k, v, v.startsWith("w"), v.upperAscii())', { hello: 'WORLD' }],
  ['["a", "b"].transformMap(i, v, [v]) == {0: ["a"], 1: ["b"]}', true],
  ['"k1:v1 k2:v2".split(" ").transformMapEntry(i, v, {v.split(":")[0]: v.split(":")[1]})', { k1: 'v1', k2: 'v2' }],
  ['{"a": "b"}.transformMapEntry(k, v, k == "z", {v: k}) == {}', true],
  ['[3, 1, 2].sortBy(e, -e)', [3, 2, 1]],
  // What is inside another, and of values whose types nobody knows.
  ['items.exists(val, {"k": 2}.exists(key, v, v == val)) && letters.all(k, v, items.all(i, e, e > i && k < v))', true],
  // One that decides outweighs one that fails.
  ['items.exists(i, v, 1 / i == 1) && !items.all(i, v, 1 / i == 2)', true],
  // Optional values.
  ['items[?1].optMap(v, v + 1).orValue(0) + items[?7].optMap(v, v + 1).orValue(10)', 13],
  ['letters.?a.optFlatMap(v, {"x": 5}[?v]).value()', 5],
  ['optional.of(1) == items[?0] && optional.none() != optional.of(1)', true],
  ['optional.ofNonZeroValue("").hasValue() || optional.ofNonZeroValue({}).hasValue()', false],
  [
    '[optional.of(1), optional.none()].unwrapOpt() == [1] && items.last().value() == 2 && !["a"].first().hasValue()',
    false,
  ],
])('%s', (text, result) => expect(evaluate(text)).toEqual(result))

test.each([
  ['[1].all(i, i, true)', 'compilation failed: ERROR: <input>:1:15: duplicate variable name: i'],
  ['[1].all(i.j, k, true)', 'compilation failed: ERROR: <input>:1:9: argument must be a simple name'],
  [
    '1.exists(i, v, true)',
    "compilation failed: ERROR: <input>:1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)",
  ],
  [
    '[1].all(i, v, v)',
    "compilation failed: ERROR: <input>:1:15: found no matching overload for '_&&_' applied to '(bool, int)'",
  ],
  [
    '[1].transformMapEntry(i, v, [v])',
    "compilation failed: ERROR: <input>:1:29: found no matching overload for 'cel.@mapInsert' applied to '(map(dyn, dyn), list(int))'",
  ],
  ['[1, 1].transformMapEntry(i, v, {v: i})', 'insert failed: key 1 already exists'],
  ['items.all(i, v, v)', 'no such overload'],
  // Not in upstream's environment (k8s.io/apiserver/pkg/cel/environment/base.go).
  [
    'math.greatest(1, 2) == 2',
    "compilation failed: ERROR: <input>:1:1: undeclared reference to 'math' (in container '')",
  ],
  ['cel.bind(a, 1, a)', "compilation failed: ERROR: <input>:1:1: undeclared reference to 'cel' (in container '')"],
  ['"ab".reverse()', "found no matching overload for 'reverse'"],
])('%s: %s', (text, words) => expect(fault(text)).toContain(words))

test('selectors of devices may bind names', () => {
  const program = cel.compile('cel.bind(a, 2, a == 2)', { variables: {}, mayBind: true })
  expect(program.evaluate({}, { left: 1e6 })).toBe(true)
})

test.each([
  ["{'a': 1, 'b': 2}.all(k, v, v > 0)", 41],
  ["{'a': 1, 'b': 2}.exists(k, v, v > 0)", 43],
  ["{'a': 1, 'b': 2}.existsOne(k, v, v > 0)", 40],
  ["{'a': 1, 'b': 2}.transformMap(k, v, v + 1)", 71],
  ["{'a': 1, 'b': 2}.transformMap(k, v, v < 5, v + 1)", 75],
  ["{'a': 1, 'b': 2}.transformMapEntry(k, v, {k: v + 1})", 131],
  ["{'a': 1, 'b': 2}.transformMapEntry(k, v, v < 5, {k: v + 1})", 135],
  ['[1, 2].all(i, v, v > 0)', 21],
  ['[1, 2].exists(i, v, v > 0)', 23],
  ['[1, 2].existsOne(i, v, v > 0)', 20],
  ['[1, 2].transformList(i, v, v + 1)', 49],
  ['[1, 2].transformList(i, v, v < 5, v + 1)', 53],
])('%s costs at most %i', (text, most) => {
  expect(cel.compile(text, { variables: {} }).maxCost({ max: 1 })).toBe(most)
})
