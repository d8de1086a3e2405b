// What changes of a pod by `ephemeralcontainers` and by `resize` (ValidatePodEphemeralContainersUpdate, ValidatePodResize in
// pkg/apis/core/validation/validation.go; pkg/registry/core/pod/strategy.go).

import { expect, test } from 'vitest'
import type { Pod } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { Pods } from '../../src/kinds/index.ts'
import { create, update } from './written.ts'

const resources = (cpu: string) => ({ requests: { cpu }, limits: { cpu: '1' } })
const existing = (spec: object = {}, metadata: object = {}, status: object = {}): Frozen<Pod> => {
  const { object } = create(Pods, {
    metadata: { name: 'p', ...metadata },
    spec: {
      containers: [
        { name: 'a', image: 'nginx', resources: resources('100m') },
        { name: 'b', image: 'nginx' },
      ],
      ...spec,
    },
  })
  return { ...object, status: { ...object.status, ...status } }
}
const debug = (pod: Frozen<Pod>, edit: (draft: Pod) => void) => update(Pods, pod, edit, 'ephemeralcontainers')
const resize = (pod: Frozen<Pod>, edit: (draft: Pod) => void) => update(Pods, pod, edit, 'resize')
const debugger_ = { name: 'debugger', image: 'busybox', stdin: true, tty: true, targetContainerName: 'a' }

test('a container to look into a pod is added and filled up; nothing else changes', () => {
  const { object, faults } = debug(existing({}, { labels: { app: 'web' } }), pod => {
    pod.spec.ephemeralContainers = [{ ...debugger_ }]
    pod.spec.containers[0]!.image = 'other'
    pod.metadata.labels = { app: 'other' }
  })
  expect(faults).toEqual([])
  expect(object.spec.ephemeralContainers).toEqual([
    {
      ...debugger_,
      imagePullPolicy: 'Always',
      resources: {},
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
    },
  ])
  expect(object.spec.containers[0]!.image).toBe('nginx')
  expect(object.metadata.labels).toEqual({ app: 'web' })
})

test('those that are there stay as they are', () => {
  const { object } = debug(existing(), pod => {
    pod.spec.ephemeralContainers = [{ ...debugger_ }]
  })
  const gone = debug(object, pod => {
    delete pod.spec.ephemeralContainers
  })
  expect(gone.faults).toEqual([
    'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debugger" may not be removed\n',
  ])
  const other = debug(object, pod => {
    pod.spec.ephemeralContainers![0]!.image = 'alpine'
  })
  expect(other.faults).toEqual([
    expect.stringMatching(
      /^spec.ephemeralContainers: Forbidden: existing ephemeral containers "debugger" may not be changed\n/,
    ),
  ])
})

test.each<[string, object, string]>([
  ['a name that is taken', { name: 'a' }, 'spec.ephemeralContainers[0].name: Duplicate value: "a"'],
  [
    'ports',
    { ports: [{ containerPort: 80 }] },
    'spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container',
  ],
  [
    'a target that is not there',
    { targetContainerName: 'z' },
    'spec.ephemeralContainers[0].targetContainerName: Not found: "z"',
  ],
])('a container with %s is refused', (_name, part, fault) => {
  const { faults } = debug(existing(), pod => {
    pod.spec.ephemeralContainers = [{ ...debugger_, ...part }]
  })
  expect(faults).toEqual([fault])
})

test('a pod of a file on its node is neither looked into nor resized', () => {
  const pod = existing({}, { annotations: { 'kubernetes.io/config.mirror': 'x' } })
  expect(debug(pod, () => {}).faults).toEqual([': Forbidden: static pods do not support ephemeral containers'])
  expect(resize(pod, () => {}).faults).toEqual([': Forbidden: static pods cannot be resized'])
})

test('what containers may use changes, and nothing else', () => {
  const { object, faults } = resize(existing(), pod => {
    pod.spec.containers[0]!.resources = resources('500m')
    pod.spec.containers[1]!.image = 'other'
  })
  expect(faults).toEqual([])
  expect(object.spec.containers[0]!.resources).toEqual(resources('500m'))
  expect(object.spec.containers[1]!.image).toBe('nginx')
})

test.each<[string, Frozen<Pod>, (pod: Pod) => void, string[]]>([
  [
    'that takes away',
    existing(),
    pod => {
      pod.spec.containers[0]!.resources = { requests: { cpu: '1' } }
    },
    ['spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed'],
  ],
  [
    'that makes another class of it',
    existing({ containers: [{ name: 'a', image: 'nginx' }] }),
    pod => {
      pod.spec.containers[0]!.resources = resources('1')
    },
    ['spec: Invalid value: "BestEffort": Pod QOS Class may not change as a result of resizing'],
  ],
  [
    'of storage',
    existing(),
    pod => {
      pod.spec.containers[0]!.resources = { ...resources('1'), requests: { cpu: '100m', 'ephemeral-storage': '1Gi' } }
    },
    [expect.stringMatching(/^spec: Forbidden: only cpu and memory resources are mutable\n/) as unknown as string],
  ],
  [
    'of containers that change places',
    existing(),
    pod => {
      pod.spec.containers.reverse()
    },
    [
      'spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize',
      'spec.containers[1].name: Forbidden: containers may not be renamed or reordered on resize',
    ],
  ],
  [
    'of fewer containers',
    existing(),
    pod => {
      pod.spec.containers.pop()
    },
    ['spec.containers: Forbidden: containers may not be added or removed on resize'],
  ],
  [
    'on a node that cannot',
    existing({}, {}, { containerStatuses: [{ name: 'a', state: { running: {} } }] }),
    pod => {
      pod.spec.containers[0]!.resources = resources('500m')
    },
    ['spec: Forbidden: Pod running on node without support for resize'],
  ],
])('a resize %s is refused', (_name, pod, edit, faults) => {
  expect(resize(pod, edit).faults).toEqual(faults)
})
