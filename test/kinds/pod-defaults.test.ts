// What a pod is filled up with (pkg/apis/core/v1/defaults.go, zz_generated.defaults.go, pkg/registry/core/pod/strategy.go).

import { describe, expect, test } from 'vitest'
import { parseImageName } from '../../src/kinds/image-name.ts'
import { Deployments, Pods } from '../../src/kinds/index.ts'
import { podGrace } from '../../src/kinds/pod.ts'
import { create } from './written.ts'

const pod = (spec: object, metadata: object = {}) => ({ metadata: { name: 'web', ...metadata }, spec })
const container = (more: object = {}) => ({ name: 'c', image: 'nginx:1.27', ...more })

test('a pod of one container comes out as the real server shows it', () => {
  const { object, faults } = create(
    Pods,
    pod({ containers: [{ name: 'c', image: 'nginx', ports: [{ containerPort: 80 }] }] }),
  )
  expect(faults).toEqual([])
  expect(object.spec).toEqual({
    containers: [
      {
        name: 'c',
        image: 'nginx',
        imagePullPolicy: 'Always',
        ports: [{ containerPort: 80, protocol: 'TCP' }],
        resources: {},
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
      },
    ],
    dnsPolicy: 'ClusterFirst',
    enableServiceLinks: true,
    restartPolicy: 'Always',
    schedulerName: 'default-scheduler',
    securityContext: {},
    terminationGracePeriodSeconds: 30,
  })
  expect(object.status).toEqual({ phase: 'Pending', qosClass: 'BestEffort' })
})

test.each([
  ['nginx', 'Always'],
  ['nginx:latest', 'Always'],
  ['nginx:1.27', 'IfNotPresent'],
  ['localhost:5000/team/app', 'Always'],
  ['localhost:5000/team/app:2', 'IfNotPresent'],
  [`nginx@sha256:${'0'.repeat(64)}`, 'IfNotPresent'],
  ['<your_dockerhub_image>', 'IfNotPresent'],
  ['Nginx', 'IfNotPresent'],
])('%s is pulled %s', (image, policy) => {
  const { object } = create(Pods, pod({ containers: [{ name: 'c', image }] }))
  expect(object.spec.containers[0]?.imagePullPolicy).toBe(policy)
})

test.each([
  ['nginx', { repository: 'docker.io/library/nginx', tag: 'latest', digest: '' }],
  ['team/app:v1', { repository: 'docker.io/team/app', tag: 'v1', digest: '' }],
  ['quay.io/a/b/c:1.2-x', { repository: 'quay.io/a/b/c', tag: '1.2-x', digest: '' }],
  ['localhost/app', { repository: 'localhost/app', tag: 'latest', digest: '' }],
  ['index.docker.io/library/x', { repository: 'docker.io/library/x', tag: 'latest', digest: '' }],
  ['a__b', { repository: 'docker.io/library/a__b', tag: 'latest', digest: '' }],
  ['UPPER', undefined],
  ['a:', undefined],
  ['-a', undefined],
  ['a/', undefined],
  ['', undefined],
])('image name %j', (name, parsed) => {
  expect(parseImageName(name)).toEqual(parsed)
})

test('probes, handlers, environment and volumes are filled up', () => {
  const { object, faults } = create(
    Pods,
    pod({
      containers: [
        container({
          env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
          livenessProbe: { httpGet: { port: 80 } },
          readinessProbe: { grpc: { port: 9 }, periodSeconds: 2 },
          lifecycle: { preStop: { httpGet: { port: 'http', path: '/bye' } } },
        }),
      ],
      volumes: [
        { name: 'a' },
        { name: 'b', hostPath: { path: '/x' } },
        { name: 'c', secret: { secretName: 's' } },
        { name: 'd', configMap: { name: 'm' } },
        { name: 'e', downwardAPI: { items: [{ path: 'l', fieldRef: { fieldPath: 'metadata.labels' } }] } },
        { name: 'f', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } },
        { name: 'g', image: { reference: 'busybox' } },
      ],
      serviceAccountName: 'robot',
    }),
  )
  expect(faults).toEqual([])
  const [first] = object.spec.containers
  expect(first?.env?.[0]?.valueFrom?.fieldRef?.apiVersion).toBe('v1')
  expect(first?.livenessProbe).toEqual({
    httpGet: { port: 80, path: '/', scheme: 'HTTP' },
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  })
  expect(first?.readinessProbe).toMatchObject({ grpc: { port: 9, service: '' }, periodSeconds: 2 })
  expect(first?.lifecycle?.preStop?.httpGet).toEqual({ port: 'http', path: '/bye', scheme: 'HTTP' })
  expect(object.spec.volumes).toEqual([
    { name: 'a', emptyDir: {} },
    { name: 'b', hostPath: { path: '/x', type: '' } },
    { name: 'c', secret: { secretName: 's', defaultMode: 420 } },
    { name: 'd', configMap: { name: 'm', defaultMode: 420 } },
    {
      name: 'e',
      downwardAPI: {
        items: [{ path: 'l', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.labels' } }],
        defaultMode: 420,
      },
    },
    {
      name: 'f',
      projected: { sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 3600 } }], defaultMode: 420 },
    },
    { name: 'g', image: { reference: 'busybox', pullPolicy: 'Always' } },
  ])
  expect(object.spec.serviceAccount).toBe('robot')
})

test('requests follow limits, host ports follow the host network, in pods and not in templates', () => {
  const spec = {
    hostNetwork: true,
    containers: [container({ ports: [{ containerPort: 80 }], resources: { limits: { cpu: '1000m', memory: 1024 } } })],
  }
  const { object } = create(Pods, pod(spec))
  expect(object.spec.containers[0]).toMatchObject({
    ports: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }],
    resources: { limits: { cpu: '1', memory: '1024' }, requests: { cpu: '1', memory: '1024' } },
  })
  const labels = { app: 'web' }
  const { object: deployment } = create(Deployments, {
    metadata: { name: 'web' },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  })
  expect(deployment.spec.template.spec?.containers[0]).toMatchObject({
    ports: [{ containerPort: 80, protocol: 'TCP' }],
    resources: { limits: { cpu: '1', memory: '1024' } },
  })
  expect(deployment.spec.template.spec?.containers[0]?.resources).not.toHaveProperty('requests')
  expect(deployment.spec.template.spec).not.toHaveProperty('enableServiceLinks')
})

describe('quality of service (pkg/apis/core/helper/qos/qos.go)', () => {
  const classOf = (...resources: object[]) =>
    create(Pods, pod({ containers: resources.map((each, index) => container({ name: `c${index}`, resources: each })) }))
      .object.status.qosClass
  const full = { cpu: '1', memory: '1Gi' }
  test.each([
    ['nothing asked for', [{}], 'BestEffort'],
    ['limits alone, complete', [{ limits: full }], 'Guaranteed'],
    ['requests below limits', [{ limits: full, requests: { cpu: '500m' } }], 'Burstable'],
    ['equal in other words', [{ limits: full, requests: { cpu: '1000m', memory: '1024Mi' } }], 'Guaranteed'],
    ['one container without', [{ limits: full }, {}], 'Burstable'],
    ['memory missing', [{ limits: { cpu: '1' } }], 'Burstable'],
    ['only zeros', [{ limits: { cpu: '0', memory: '0' } }], 'BestEffort'],
    ['only what does not count', [{ limits: { 'example.com/gpu': 1 } }], 'BestEffort'],
  ])('%s: %s', (_name, resources, expected) => {
    expect(classOf(...resources)).toBe(expected)
  })

  test('resources of the whole pod decide where there are any', () => {
    const { object, faults } = create(Pods, pod({ resources: { limits: full }, containers: [container()] }))
    expect(faults).toEqual([])
    expect(object.status.qosClass).toBe('Guaranteed')
    expect(object.spec.resources?.requests).toEqual(full)
  })
})

test('requests of the whole pod are at least those of its containers together', () => {
  const { object } = create(
    Pods,
    pod({
      resources: { limits: { cpu: '4' } },
      containers: [
        container({ resources: { requests: { cpu: '500m' } } }),
        container({ name: 'd', resources: { requests: { cpu: '1' } } }),
      ],
      initContainers: [container({ name: 'i', resources: { requests: { cpu: '2' } } })],
    }),
  )
  expect(object.spec.resources?.requests).toEqual({ cpu: '2' })
})

test('a gated pod says so from the first moment', () => {
  const { object } = create(Pods, pod({ containers: [container()], schedulingGates: [{ name: 'example.com/wait' }] }))
  expect(object.status.conditions).toEqual([
    {
      type: 'PodScheduled',
      status: 'False',
      reason: 'SchedulingGated',
      message: 'Scheduling is blocked due to non-empty scheduling gates',
    },
  ])
})

test('label keys become part of the selector, with the values of the pod', () => {
  const { object, faults } = create(
    Pods,
    pod(
      {
        containers: [container()],
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: 'zone',
            whenUnsatisfiable: 'DoNotSchedule',
            labelSelector: { matchLabels: { app: 'web' } },
            matchLabelKeys: ['pod-template-hash', 'missing'],
          },
        ],
      },
      { labels: { app: 'web', 'pod-template-hash': 'abc' } },
    ),
  )
  expect(faults).toEqual([])
  expect(object.spec.topologySpreadConstraints?.[0]?.labelSelector).toEqual({
    matchLabels: { app: 'web' },
    matchExpressions: [{ key: 'pod-template-hash', operator: 'In', values: ['abc'] }],
  })
})

test.each([
  ['unscheduled: at once', {}, {}, undefined, 0],
  ['running: its own period', { nodeName: 'n' }, {}, undefined, 30],
  ['running, asked for less', { nodeName: 'n' }, {}, 5, 5],
  ['asked for now', { nodeName: 'n' }, {}, 0, 0],
  ['unscheduled, asked for more', {}, {}, 60, 0],
  ['ended: at once', { nodeName: 'n' }, { phase: 'Succeeded' }, 60, 0],
  ['a negative period counts as one', { nodeName: 'n', terminationGracePeriodSeconds: -3 }, {}, undefined, 1],
])('grace of a pod (CheckGracefulDelete): %s', (_name, spec, status, asked, seconds) => {
  const { object } = create(Pods, pod({ containers: [container()], ...spec }))
  expect(podGrace({ ...object, status: { ...object.status, ...status } }, asked)).toBe(seconds)
})
