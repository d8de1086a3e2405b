// DefaultIngressClass. plugin/pkg/admission/network/defaultingressclass/admission.go.

import { expect, test } from 'vitest'
import type { Ingress } from '../../generated/types.ts'
import { IngressClasses, Ingresses } from '../../src/kinds/index.ts'
import { testServer } from '../registry/harness.ts'
import { leastObject } from '../registry/least-objects.ts'

const where = { namespace: 'default' }

async function cluster() {
  const server = await testServer()
  const { of, info } = server
  const addClass = (name: string, isDefault: string) => {
    const body = leastObject(IngressClasses, name)
    body.metadata.annotations = { 'ingressclass.kubernetes.io/is-default-class': isDefault }
    return of(IngressClasses).create(body, {}, {}, info)
  }
  const classOf = async (name: string, spec: object = {}, annotations?: Record<string, string>) => {
    const body = leastObject(Ingresses, name)
    Object.assign(body.spec, spec)
    if (annotations) body.metadata.annotations = annotations
    const { reading } = await of(Ingresses).create(body, where, {}, info)
    return (reading.object as unknown as Ingress).spec.ingressClassName
  }
  return { ...server, addClass, classOf }
}

test('an ingress without a class gets the one that is default, when there is one', async () => {
  const { addClass, classOf, env } = await cluster()
  await addClass('plain', 'false')
  expect(await classOf('a')).toBeUndefined()
  await addClass('main', 'true')
  expect(await classOf('b')).toBe('main')
  await env.clock.advance(5000)
  await addClass('also', 'true')
  expect(await classOf('c')).toBe('also')
})

test('who names one keeps it', async () => {
  const { addClass, classOf } = await cluster()
  await addClass('main', 'true')
  expect(await classOf('a', { ingressClassName: 'mine' })).toBe('mine')
  expect(await classOf('b', {}, { 'kubernetes.io/ingress.class': 'old' })).toBeUndefined()
})
