// Protobuf: the numbers are held against the schemas; messages written here by hand (as gogo's generated code writes them:
// every non-pointer scalar, zero or not) read as the JSON that Go would print; and what is written is what Go would write.

import fc from 'fast-check'
import protobuf from 'protobufjs/minimal.js'
import { describe, expect, test } from 'vitest'
import { hasProtobuf } from '../../apiserver/http/negotiation.ts'
import { type Field, layoutOf } from '../../apiserver/http/protobuf-layout.ts'
import { readProtobuf } from '../../apiserver/http/protobuf-reading.ts'
import { itemMessage, listMessage, objectMessage } from '../../apiserver/http/protobuf-writing.ts'
import { shapes } from '../../generated/shapes.js'
import { ApiError } from '../../src/api/errors.ts'
import { rfc3339 } from '../../src/api/time.ts'
import { builtinKinds, CustomResourceDefinitions } from '../../src/kinds/index.ts'
import { protobufFields } from '../../src/kinds/protobuf-fields.ts'
import { definitionNode, type KindName, type Scalar, type SchemaNode, schemaNodeOf } from '../../src/kinds/schemas.ts'
import { kubectlBodies } from './kubectl-bodies.ts'

const { Writer } = protobuf
type Write = (writer: protobuf.Writer) => protobuf.Writer

/** A message as a length-delimited field. */
const message =
  (number: number, ...parts: Write[]): Write =>
  writer =>
    writer.uint32((number << 3) | 2).bytes(bytesOf(...parts))
const text =
  (number: number, value: string): Write =>
  writer =>
    writer.uint32((number << 3) | 2).string(value)
const int =
  (number: number, value: number): Write =>
  writer =>
    writer.uint32(number << 3).int64(value)
const bytesOf = (...parts: Write[]) => parts.reduce((writer, part) => part(writer), Writer.create()).finish()
const body = (apiVersion: string, kind: string, ...parts: Write[]) =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    bytesOf(
      message(1, text(1, apiVersion), text(2, kind)),
      writer => writer.uint32(18).bytes(bytesOf(...parts)),
      text(3, ''),
      text(4, ''),
    ),
  ])

describe('the table of numbers', () => {
  test('names only fields that the schemas have, and no number twice', () => {
    for (const [short, line] of Object.entries(protobufFields)) {
      const node = nodeOf(short)
      const words = line.split(' ').filter(Boolean)
      const numbers = words.map(word => word.replace(/^.*:/, '').replace(/[*!]$/, ''))
      expect(new Set(numbers).size, short).toBe(numbers.length)
      for (const word of words) expect(node?.field(word.split(':')[0]!), `${short} ${word}`).toBeDefined()
    }
  })

  test('knows every field of every stable kind, and of all they reach', () => {
    const without: string[] = []
    const seen = new Set<string>()
    const visit = (node: SchemaNode | undefined) => {
      if (node === undefined) return
      if (node.kind === 'list') return visit(node.items())
      if (node.kind === 'map') return visit(node.values())
      if (node.kind !== 'struct' || seen.has(node.definition!)) return
      seen.add(node.definition!)
      const line = protobufFields[node.definition!.split('.').slice(-3).join('.')]
      for (const name of node.fieldNames()) {
        if (name === 'apiVersion' || name === 'kind') {
          if (line === undefined || !line.includes(`${name}:`)) continue
        }
        if (!` ${line}`.includes(` ${name}:`)) without.push(`${node.definition} ${name}`)
        visit(node.field(name))
      }
    }
    const stable = stableKinds()
    expect(stable.length).toBeGreaterThan(100)
    // Definitions of custom kinds are answered in JSON: their schemas are JSON within. So are kinds of our own.
    const kinds = builtinKinds.filter(kind => kind !== CustomResourceDefinitions && kind.group !== 'kubesim.dev')
    for (const kind of kinds) expect(stable, kind.kind).toContainEqual(nameOf(kind))
    for (const kind of stable) visit(schemaNodeOf(kind))
    expect(without).toEqual([])
  })
})

describe('reading', () => {
  test('a Deployment as kubectl create sends it', () => {
    const container = message(
      2,
      text(1, 'nginx'),
      text(2, 'nginx:1'),
      text(5, ''),
      message(8),
      text(13, ''),
      int(16, 0),
    )
    const sent = body(
      'apps/v1',
      'Deployment',
      message(
        1,
        text(1, 'web'),
        text(2, ''),
        text(3, ''),
        text(5, ''),
        text(6, ''),
        int(7, 0),
        message(8),
        message(11, text(1, 'app'), text(2, 'web')),
      ),
      message(
        2,
        int(1, 0),
        message(2, message(1, text(1, 'app'), text(2, 'web'))),
        message(3, message(1, text(1, '')), message(2, container, text(3, ''), text(6, ''), int(4, 0))),
        message(4, text(1, '')),
        int(5, 0),
        int(7, 0),
      ),
      message(3, int(1, 0), int(2, 0)),
    )
    expect(readProtobuf(sent, 'Thing')).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', labels: { app: 'web' } },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: {},
          spec: {
            containers: [{ name: 'nginx', image: 'nginx:1', resources: {} }],
            terminationGracePeriodSeconds: 0,
          },
        },
        strategy: {},
      },
      status: {},
    })
  })

  test('quantities, ports by name or number, times, bytes and what stands inline', () => {
    const pod = body(
      'v1',
      'Pod',
      message(1, text(1, 'p'), message(8, int(1, 1_700_000_000))),
      message(
        2,
        message(1, text(1, 'v'), message(2, message(6, text(1, 's')))),
        message(
          2,
          text(1, 'c'),
          message(8, message(2, text(1, 'cpu'), message(2, text(1, '100m')))),
          message(
            10,
            message(1, message(2, text(1, '/'), message(2, int(1, 1), int(2, 0), text(3, 'http')))),
            int(2, 5),
          ),
          message(11, message(1, message(2, text(1, '/'), message(2, int(1, 0), int(2, 8080), text(3, ''))))),
        ),
      ),
    )
    expect(readProtobuf(pod, 'Thing')).toMatchObject({
      metadata: { creationTimestamp: '2023-11-14T22:13:20Z' },
      spec: {
        volumes: [{ name: 'v', secret: { secretName: 's' } }],
        containers: [
          {
            resources: { requests: { cpu: '100m' } },
            livenessProbe: { httpGet: { path: '/', port: 'http' }, initialDelaySeconds: 5 },
            readinessProbe: { httpGet: { path: '/', port: 8080 } },
          },
        ],
      },
    })
    const secret = body('v1', 'Secret', message(2, text(1, 'p'), text(2, 'q')))
    expect(readProtobuf(secret, 'Thing')).toMatchObject({ data: { p: 'cQ==' } })
  })

  test('options are one type in every group', () => {
    const options = body('apps/v1', 'DeleteOptions', int(1, 0), text(4, 'Background'))
    expect(readProtobuf(options, 'Thing')).toMatchObject({ gracePeriodSeconds: 0, propagationPolicy: 'Background' })
  })

  test('numbers of a list may be packed', () => {
    const packed = (writer: protobuf.Writer) => writer.uint32((4 << 3) | 2).bytes(Uint8Array.of(5, 6))
    const pod = body('v1', 'Pod', message(2, message(14, packed)))
    expect(readProtobuf(pod, 'Pod')).toMatchObject({ spec: { securityContext: { supplementalGroups: [5, 6] } } })
  })

  test('a key named __proto__ is a key', () => {
    const map = body('v1', 'ConfigMap', message(2, text(1, '__proto__'), text(2, 'x')))
    expect(JSON.stringify(readProtobuf(map, 'ConfigMap').data)).toBe('{"__proto__":"x"}')
  })

  test('what breaks off is refused', () => {
    const whole = body('v1', 'ConfigMap', message(1, text(1, 'a')))
    for (let length = 5; length < whole.length; length++) {
      try {
        // Cut between two fields it is a message still, of less.
        expect(readProtobuf(whole.subarray(0, length), 'ConfigMap')).toMatchObject({ kind: 'ConfigMap' })
      } catch (error) {
        expect(error).toBeInstanceOf(ApiError)
        expect((error as ApiError).reason).toBe('BadRequest')
      }
    }
  })

  // pkg/runtime/serializer/protobuf/protobuf.go, Decode, and transformDecodeError in pkg/endpoints/handlers/rest.go.
  test.each([
    ['nothing', Buffer.of(), 'the object provided is unrecognized (must be of type Pod): empty data (<empty>)'],
    [
      'the magic alone',
      Buffer.from('k8s\0'),
      'the object provided is unrecognized (must be of type Pod): empty body (6b387300)',
    ],
    [
      'JSON',
      Buffer.from('{}'),
      'the object provided is unrecognized (must be of type Pod): provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] ({})',
    ],
    [
      'a kind unknown',
      body('v1', 'Nothing'),
      'Nothing in version "v1" cannot be handled as a Pod: no kind "Nothing" is registered for version "v1" in scheme "pkg/api/legacyscheme/scheme.go:30"',
    ],
    [
      'text where a message should be',
      body('v1', 'Pod', int(1, 7)),
      'Pod in version "v1" cannot be handled as a Pod: proto: wrong wireType = 0 for field Metadata',
    ],
    [
      'what is longer than all there is',
      body('v1', 'Pod', writer => writer.uint32(10).uint32(1000)),
      'Pod in version "v1" cannot be handled as a Pod: unexpected EOF',
    ],
  ])("%s is refused in upstream's words", (_what, bytes, why) => {
    expect(() => readProtobuf(bytes, 'Pod')).toThrow(new ApiError('BadRequest', why))
  })
})

describe('writing', () => {
  test.each(Object.entries(kubectlBodies))('kubectl %s: what was read is written as Go wrote it', (_command, sent) => {
    const read = readProtobuf(Buffer.from(sent, 'base64'), 'Thing')
    expect(objectMessage(read as never).toString('base64')).toBe(sent)
  })

  test('what kubectl sent stands for this', () => {
    const read = (command: string) => readProtobuf(Buffer.from(kubectlBodies[command]!, 'base64'), 'Thing')
    expect(read('create deployment web --image=nginx --replicas=2 --port=80')).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', labels: { app: 'web' } },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'web' } },
        strategy: {},
        template: {
          metadata: { labels: { app: 'web' } },
          spec: { containers: [{ name: 'nginx', image: 'nginx', resources: {}, ports: [{ containerPort: 80 }] }] },
        },
      },
      status: {},
    })
    expect(read('create pdb p --selector=app=x --min-available=50%')).toMatchObject({
      spec: { minAvailable: '50%', selector: { matchLabels: { app: 'x' } } },
      status: { disruptionsAllowed: 0, currentHealthy: 0 },
    })
    expect(read('create secret generic sec --from-literal=p=q')).toMatchObject({ data: { p: 'cQ==' } })
    expect(read('create token sa --duration=1h')).toMatchObject({ spec: { expirationSeconds: 3600 } })
  })

  test('any object of any stable kind comes back, and again as the same bytes', () => {
    const kinds = stableKinds()
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds).chain(name => fc.tuple(fc.constant(name), objectOf(schemaNodeOf(name)!, 0))),
        ([{ group, version, kind }, members]) => {
          const object = { ...members, apiVersion: group === '' ? version : `${group}/${version}`, kind }
          const bytes = objectMessage(object)
          const read = readProtobuf(bytes, kind)
          expect(read).toMatchObject(object)
          expect(objectMessage(read as never)).toEqual(bytes)
        },
      ),
      { numRuns: 500, seed: 1 },
    )
  })

  test('times before 1970, numbers that are negative, and those of 64 bits', () => {
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'a', creationTimestamp: '1969-12-31T23:59:59Z', generation: 2 ** 40 },
      spec: {
        leaseTransitions: -1,
        renewTime: '2024-05-01T12:00:00.123456Z',
        acquireTime: '1969-12-31T23:59:59.000001Z',
      },
    }
    expect(readProtobuf(objectMessage(lease), 'Lease')).toEqual(lease)
  })

  test('a list is its items, in one message', () => {
    const item = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { name } })
    const items = [item('a'), item('b')]
    const metadata = { resourceVersion: '7', continue: 'c', remainingItemCount: 0 }
    const pieces = listMessage({ apiVersion: 'v1', kind: 'ConfigMapList' }, metadata, items.map(itemMessage))
    expect(readProtobuf(Buffer.concat(pieces), 'ConfigMapList')).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMapList',
      metadata,
      items: items.map(({ metadata, data }) => ({ metadata, data })),
    })
  })
})

/** Of what Go would print: no zeros but where a pointer may hold one. */
function objectOf(node: SchemaNode, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const fields = layoutOf(node)!.inOrder.flatMap(function named(each): Field[] {
    return 'fields' in each ? each.fields.inOrder.flatMap(named) : [each]
  })
  // Chosen before what is in them is made: a Pod's fields are thousands.
  return fc
    .subarray(fields, { maxLength: Math.min(fields.length, Math.max(1, 8 - 2 * depth)) })
    .chain(chosen => fc.record(Object.fromEntries(chosen.map(each => [each.name, memberOf(each, depth)]))))
    .map(object => JSON.parse(JSON.stringify(object)) as Record<string, unknown>)
}

function memberOf({ type, isPointer }: Field, depth: number): fc.Arbitrary<unknown> {
  return isPointer ? fc.oneof(anyOf(type, depth), ...zerosOf(type)) : anyOf(type, depth)
}

function zerosOf({ scalar }: SchemaNode): fc.Arbitrary<unknown>[] {
  if (scalar === 'boolean') return [fc.constant(false)]
  if (scalar === 'string') return [fc.constant('')]
  return scalar === 'int32' || scalar === 'int64' || scalar === 'intOrString' ? [fc.constant(0)] : []
}

function anyOf(type: SchemaNode, depth: number): fc.Arbitrary<unknown> {
  if (type.kind === 'struct') return depth > 5 ? fc.constant({}) : objectOf(type, depth + 1)
  if (type.kind === 'list') return fc.array(anyOf(type.items()!, depth), { minLength: 1, maxLength: 2 })
  if (type.kind === 'any') return fc.constantFrom({ a: [1, null, 'x'] }, { f: {} })
  if (type.kind === 'map') {
    const values = anyOf(type.values()!, depth)
    return fc.dictionary(fc.constantFrom('b', 'a', 'ä', 'example.com/x'), values, { minKeys: 1, maxKeys: 3 })
  }
  const whole = { min: -(2 ** 31), max: 2 ** 31 - 1 }
  const scalars: Record<Scalar, fc.Arbitrary<unknown>> = {
    string: fc.string({ unit: 'binary', minLength: 1, maxLength: 5 }),
    boolean: fc.constant(true),
    int32: fc.integer(whole).filter(Boolean),
    int64: fc.maxSafeInteger().filter(Boolean),
    double: fc.double({ noNaN: true }).filter(Boolean),
    quantity: fc.constantFrom('100m', '2Gi', '0'),
    time: fc.integer({ ...whole, min: 0 }).map(seconds => rfc3339(seconds * 1000)),
    microTime: fc.constantFrom('2024-05-01T12:00:00.000000Z', '2024-05-01T12:00:00.123456Z'),
    intOrString: fc.oneof(fc.integer(whole).filter(Boolean), fc.constantFrom('http', '25%')),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }).map(bytes => Buffer.from(bytes).toString('base64')),
  }
  return scalars[type.scalar!]
}

const nameOf = ({ group, version, kind }: KindName): KindName => ({ group, version, kind })

/** Of all that is generated, served or not. */
function stableKinds(): KindName[] {
  const { kinds } = JSON.parse(shapes) as { kinds: Record<string, string> }
  return Object.keys(kinds)
    .map(name => name.split('/') as [string, string, string])
    .map(([group, version, kind]) => ({ group, version, kind }))
    .filter(hasProtobuf)
}

function nodeOf(short: string): SchemaNode | undefined {
  return short.startsWith('meta.')
    ? definitionNode(`io.k8s.apimachinery.pkg.apis.${short}`)
    : (definitionNode(`io.k8s.api.${short}`) ?? definitionNode(`io.k8s.kube-aggregator.pkg.apis.${short}`))
}
