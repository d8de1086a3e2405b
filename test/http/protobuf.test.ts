// Protobuf bodies: the numbers are held against the schemas, and messages written here by hand (as gogo's generated code
// writes them: every non-pointer scalar, zero or not) read as the JSON that Go would print.

import protobuf from 'protobufjs/minimal.js'
import { describe, expect, test } from 'vitest'
import { readProtobuf } from '../../apiserver/http/protobuf.ts'
import { ApiError } from '../../src/api/errors.ts'
import { builtinKinds } from '../../src/kinds/index.ts'
import { protobufFields } from '../../src/kinds/protobuf-fields.ts'
import { definitionNode, type SchemaNode, schemaNodeOf } from '../../src/kinds/schemas.ts'

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

  test('knows every field of every kind that is served, and of all they reach', () => {
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
    for (const kind of builtinKinds) visit(schemaNodeOf(kind))
    // Newer than the sources the numbers were read from.
    expect(without).toEqual(['io.k8s.api.core.v1.NodeAllocatableResourceClaimStatus resources'])
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
    expect(readProtobuf(sent)).toEqual({
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
    expect(readProtobuf(pod)).toMatchObject({
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
    expect(readProtobuf(secret)).toMatchObject({ data: { p: 'cQ==' } })
  })

  test('options are one type in every group', () => {
    const options = body('apps/v1', 'DeleteOptions', int(1, 0), text(4, 'Background'))
    expect(readProtobuf(options)).toMatchObject({ gracePeriodSeconds: 0, propagationPolicy: 'Background' })
  })

  test('what is not such a message, breaks off, or is of a kind unknown, is refused', () => {
    expect(() => readProtobuf(Buffer.from('{}'))).toThrow('does not appear to be a protobuf message')
    const whole = body('v1', 'ConfigMap', message(1, text(1, 'a')))
    for (let length = 5; length < whole.length; length++) {
      try {
        // Cut between two fields it is a message still, of less.
        expect(readProtobuf(whole.subarray(0, length))).toMatchObject({ kind: 'ConfigMap' })
      } catch (error) {
        expect(error).toBeInstanceOf(ApiError)
        expect((error as ApiError).reason).toBe('BadRequest')
      }
    }
    expect(() => readProtobuf(body('v1', 'Nothing'))).toThrow('no kind "Nothing" is registered for version "v1"')
  })
})

function nodeOf(short: string): SchemaNode | undefined {
  return short.startsWith('meta.')
    ? definitionNode(`io.k8s.apimachinery.pkg.apis.${short}`)
    : definitionNode(`io.k8s.api.${short}`)
}
