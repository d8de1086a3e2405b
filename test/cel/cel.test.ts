// CEL with Kubernetes' libraries: what expressions come to, what is refused and in which words, and what it may cost.
// Sources: k8s.io/apiserver/pkg/cel/library/*_test.go, plugin/cel/*_test.go; github.com/google/cel-go.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CelBudget, CelFault, type Declarations } from '../../apiserver/cel/cel.ts'
import { createCel } from '../../apiserver/cel/compiler.ts'
import { CelAuthorizer } from '../../apiserver/cel/library/authorizer.ts'
import type { CelMade } from '../../apiserver/cel/library/objects.ts'

const cel = createCel()
const budget = (): CelBudget => ({ left: 10_000_000 })
const object = {
  metadata: { name: 'web', labels: { 'app.io/tier': 'front' } },
  spec: { replicas: 5, weight: 1.5, names: ['b', 'a'], nothing: null },
}

function value(text: string, bindings: Record<string, unknown> = { object }): unknown {
  const variables = Object.fromEntries(Object.keys(bindings).map(name => [name, 'dyn' as const]))
  return cel.compile(text, { variables }).evaluate(bindings, budget())
}

function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof CelFault) return error.message
    throw error
  }
  throw new Error('there was no fault')
}

describe('objects', () => {
  test.each<[string, unknown]>([
    ['object.spec.replicas <= 5', true],
    ['object.spec.replicas + 1', 6],
    ['object.spec.weight > 1', true],
    ['has(object.spec.foo)', false],
    ['has(object.spec.replicas) && object.spec.?foo.orValue(3) == 3', true],
    ['object.spec.names.all(name, name.size() == 1)', true],
    ["object.metadata.labels['app.io/tier']", 'front'],
    ["'app.io/tier' in object.metadata.labels", true],
    ['object.spec.names.map(name, name + "!")', ['b!', 'a!']],
    ['object.metadata.labels.all(key, key.contains("tier"))', true],
    ['object.spec.nothing == null', true],
    ['true || object.spec.nope', true],
    ['object.spec.replicas == 5 ? "five" : "more"', 'five'],
    ['{"a": 1, "b": [true]}', { a: 1, b: [true] }],
  ])('%s', (text, result) => {
    expect(value(text)).toEqual(result)
  })

  test('keys of a user are keys and nothing more', () => {
    const hostile = JSON.parse('{"__proto__": {"x": 1}, "constructor": "c"}') as object
    expect(value('object.constructor', { object: hostile })).toBe('c')
    expect(value('"__proto__" in object && object["__proto__"].x == 1', { object: hostile })).toBe(true)
    expect(value('has(object.toString)', { object: {} })).toBe(false)
    expect(({} as { x?: number }).x).toBeUndefined()
  })
})

describe('libraries', () => {
  test.each<[string, unknown]>([
    // lists.go
    ['[1, 2, 3].isSorted() && ![2, 1].isSorted() && ["a", "b"].isSorted()', true],
    ['[1, 3].sum() == 4 && [1.0, 2.5].sum() == 3.5 && [3, 1].min() == 1 && [3, 1].max() == 3', true],
    ['["a", "b", "b"].indexOf("b") == 1 && ["a", "b", "b"].lastIndexOf("b") == 2 && [1].indexOf(2) == -1', true],
    ['[1, 2, 3, 4].slice(1, 3)', [2, 3]],
    ['[[1], [2, 3]].flatten() == [1, 2, 3] && [1, 1, 2].distinct() == [1, 2]', true],
    // regex.go
    ['"abc 123".find("[0-9]+")', '123'],
    ['"123 abc 456".findAll("[0-9]+") == ["123", "456"] && "123 456".findAll("[0-9]+", 1) == ["123"]', true],
    ['"k8s".matches("^[a-z0-9]+$") && !"K8s".matches("^[a-z0-9]+$")', true],
    // strings extension
    ['"hello".charAt(1) + "hello".replace("l", "L", 1)', 'eheLlo'],
    ['"%s is %d, %.2f, %x".format(["it", 5, 1.5, 255])', 'it is 5, 1.50, ff'],
    ['"a,b".split(",").join("-") + " x ".trim() + "ABC".lowerAscii()', 'a-bxabc'],
    // urls.go
    ['url("https://user@example.com:80/a/b?k=1&k=2").getHost()', 'example.com:80'],
    ['url("https://[::1]:80/").getHostname() + url("https://[::1]:80/").getPort()', '::180'],
    ['url("https://example.com/p?k=1&k=2").getQuery()["k"] == ["1", "2"]', true],
    ['isURL("https://a/") && isURL("/path") && !isURL("../up") && !isURL("a b")', true],
    // ip.go, cidr.go
    ['ip("127.0.0.1").isLoopback() && ip("::1").family() == 6 && ip("8.8.8.8").isGlobalUnicast()', true],
    ['isIP("1.2.3.4") && !isIP("1.2.3.04") && !isIP("1.2.3") && string(ip("10.0.0.1")) == "10.0.0.1"', true],
    ['cidr("10.0.0.0/8").containsIP("10.1.2.3") && !cidr("10.0.0.0/8").containsIP(ip("11.0.0.1"))', true],
    ['cidr("10.0.0.0/8").containsCIDR("10.1.0.0/16") && !cidr("10.1.0.0/16").containsCIDR("10.0.0.0/8")', true],
    ['string(cidr("10.1.2.3/8").masked()) + string(cidr("10.1.2.3/8").prefixLength())', '10.0.0.0/88'],
    ['!isCIDR("10.0.0.0/33") && isCIDR("::/0")', true],
    // quantity.go
    ['quantity("1.5Gi").isGreaterThan(quantity("1G")) && quantity("200M").compareTo(quantity("0.2G")) == 0', true],
    [
      'quantity("50k").add(20).asInteger() == 50020 && !isQuantity("1x") && quantity("1500m").isInteger() == false',
      true,
    ],
    ['quantity("1") == quantity("1000m")', true],
    // semver
    ['semver("1.2.3").isLessThan(semver("1.10.0")) && semver("1.0.0-rc.1").isLessThan(semver("1.0.0"))', true],
    ['isSemver("v1.0") == false && semver("v1.0", true).major() == 1', true],
    // format.go
    ['!format.dns1123Label().validate("ok-name").hasValue()', true],
    ['format.dns1123Label().validate("Not Ok").value().size() > 0', true],
    ['format.named("uuid").hasValue() && !format.named("nope").hasValue()', true],
    // sets
    ['sets.contains([1, 2, 3], [2]) && sets.intersects([1], [1, 2]) && sets.equivalent([1, 1], [1])', true],
    ['duration("1h") > duration("30m") && timestamp("2024-01-01T00:00:00Z").getFullYear() == 2024', true],
    ['jsonpatch.escapeKey("a/b~c")', 'a~1b~0c'],
  ])('%s', (text, result) => {
    expect(value(text)).toEqual(result)
  })

  test('an authorizer answers for the user', () => {
    const authorizer = new CelAuthorizer(question => ({
      allowed: question.verb === 'get' && question.resource === 'pods',
      reason: JSON.stringify(question),
    }))
    const of = (text: string) => value(text, { authorizer })
    expect(of('authorizer.group("").resource("pods").namespace("a").name("b").check("get").allowed()')).toBe(true)
    expect(of('authorizer.path("/healthz").check("get").allowed()')).toBe(false)
    expect(
      JSON.parse(
        of(
          'authorizer.serviceAccount("n", "s").group("apps").resource("x").subresource("scale").check("get").reason()',
        ) as string,
      ),
    ).toEqual({
      group: 'apps',
      resource: 'x',
      subresource: 'scale',
      verb: 'get',
      serviceAccount: { namespace: 'n', name: 's' },
    })
  })

  test('objects are made by their type', () => {
    const made = value('Object{spec: Object.spec{replicas: 3, labels: {"a{": "matches("}}}') as CelMade
    expect(made.type).toBe('Object')
    const spec = made.members.get('spec') as CelMade
    expect([spec.type, spec.members.get('replicas')]).toEqual(['Object.spec', 3n])
  })
})

describe('what cannot be compiled', () => {
  const compile = (text: string, declarations: Declarations = { variables: { object: 'dyn' } }) =>
    refusal(() => cel.compile(text, declarations))

  test.each([
    [
      'foo == 1',
      "compilation failed: ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo == 1\n | ^",
    ],
    ['1 + "a"', "ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'"],
    ['object.spec ==', 'compilation failed: ERROR: <input>:1:'],
    ['"a".nope()', "found no matching overload for 'nope' applied to 'string.()'"],
    ['"a".matches(1)', "found no matching overload for 'matches' applied to 'string.(int)'"],
  ])('%s', (text, message) => {
    expect(compile(text)).toContain(message)
  })

  test('fields that a type does not have, and results of another type', () => {
    const self = {
      name: 'Self',
      fields: { replicas: 'int', spec: { name: 'Self.spec', fields: { names: { list: 'string' } } } },
    } as const
    const variables = { self }
    expect(
      cel.compile('self.replicas > 1 && self.spec.names.all(n, n != "")', { variables, results: ['bool'] }),
    ).toBeDefined()
    expect(compile('self.spec.nope == 1', { variables })).toContain("undefined field 'nope'")
    expect(compile('self.replicas', { variables, results: ['bool'] })).toBe('must evaluate to bool')
    expect(compile('self.replicas == "a"', { variables })).toContain("applied to '(int, string)'")
  })

  test('no text makes it do anything but refuse', () => {
    const parts = fc.constantFrom(
      'object',
      '.',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      '+',
      '&&',
      '?',
      ':',
      '1',
      'has',
      'x',
      ',',
      ' ',
      '\\',
      'Object',
      'matches',
      '//',
      '\n',
    )
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 25 }), words => {
        try {
          cel.compile(words.join(''), { variables: { object: 'dyn' } }).evaluate({ object }, budget())
        } catch (error) {
          expect(error).toBeInstanceOf(CelFault)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('what goes wrong while evaluating', () => {
  test.each([
    ['object.spec.nope', "expression 'object.spec.nope' resulted in error: no such key: nope"],
    ['1 / (object.spec.replicas - 5)', 'division by zero'],
    ['object.spec.names[7]', 'index out of bounds: 7'],
    ['object.spec.names + 1 == 2', 'no such overload'],
    ['quantity("x")', 'resulted in error: '],
  ])('%s', (text, message) => {
    expect(refusal(() => value(text))).toContain(message)
  })

  test('an expression that costs too much is stopped, however it is nested', () => {
    const list = Array.from({ length: 300 }, (_, index) => index)
    const bomb = 'l.all(a, l.all(b, l.all(c, l.all(d, a + b + c + d >= 0))))'
    const program = cel.compile(bomb, { variables: { l: 'dyn' } })
    const left = budget()
    expect(refusal(() => program.evaluate({ l: list }, left))).toBe(
      `expression '${bomb}' resulted in error: operation cancelled: actual cost limit exceeded`,
    )
    expect(left.left).toBeLessThan(10_000_000)
    expect(() => program.evaluate({ l: [1, 2] }, budget())).not.toThrow()
  })

  test('what is left of a budget is left for the next', () => {
    const program = cel.compile('object.spec.replicas > 1', { variables: { object: 'dyn' } })
    const first = budget()
    program.evaluate({ object }, first)
    const cost = 10_000_000 - first.left
    expect(cost).toBe(4)
    const little = { left: cost + 1 }
    program.evaluate({ object }, little)
    expect(little.left).toBe(1)
    expect(refusal(() => program.evaluate({ object }, little))).toContain('actual cost limit exceeded')
  })
})

describe('has', () => {
  const type = {
    name: 'custom.t',
    fields: { l: { list: { name: 'custom.i', fields: { a: 'string', b: 'string' } } } },
  } as const
  const declarations: Declarations = { variables: { self: type }, results: ['bool'] }
  const holds = (text: string, self: object) => cel.compile(text, declarations).evaluate({ self }, budget())

  test('takes whatever ends in a field', () => {
    expect(holds('has(self.l[0].a) && !has(self.l[0].b)', { l: [{ a: 'x' }] })).toBe(true)
    expect(holds('self.l.exists(i, has(i.b))', { l: [{ a: 'x' }, { b: 'y' }] })).toBe(true)
    expect(holds('!has(self.l.filter(i, has(i.a))[0].b)', { l: [{ b: 'x' }, { a: 'y' }] })).toBe(true)
    expect(value('!has({"a": 1}.b) && has({"a": {"b": null}}.a.b)')).toBe(true)
    expect(value('!has(object.?nope.a) && has(object.?spec.replicas) && !has(object.?spec.nope)')).toBe(true)
    expect(refusal(() => value('has(object.nope.a)'))).toContain('no such key: nope')
  })

  test('refuses what can never be there', () => {
    expect(refusal(() => cel.compile('has(self.nope)', declarations))).toContain("undefined field 'nope'")
    expect(refusal(() => cel.compile('has(self.l[0].nope)', declarations))).toContain("undefined field 'nope'")
    expect(refusal(() => cel.compile('has(self)', declarations))).toContain('invalid argument to has() macro')
  })

  test('objects, optionals and times are compared with null, and never are', () => {
    expect(holds('self.l[0] != null && self != null', { l: [{}] })).toBe(true)
    expect(value('format.dns1123Label().validate("a") != null && optional.none() != null')).toBe(true)
    expect(value('timestamp("2020-01-01T00:00:00Z") != null && duration("1s") != null')).toBe(true)
  })
})
