// What a pod may not be (pkg/apis/core/validation/validation.go): the faults, whole, in upstream's words and paths.

import { expect, test } from 'vitest'
import { Pods } from '../../src/kinds/index.ts'
import { create } from './written.ts'

const c = { name: 'c', image: 'nginx' }
const faultsOf = (spec: object, metadata: object = {}): readonly string[] =>
  create(Pods, { metadata: { name: 'p', ...metadata }, spec: { containers: [c], ...spec } }).faults
const ofContainer = (more: object, spec: object = {}): readonly string[] =>
  faultsOf({ containers: [{ ...c, ...more }], ...spec })

const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

test('all faults come at once, in order', () => {
  expect(
    faultsOf(
      {
        containers: [
          { name: 'C', image: ' nginx' },
          { image: '', ports: [{ containerPort: 70000 }] },
        ],
        restartPolicy: 'Sometimes',
        dnsPolicy: 'Guess',
      },
      { name: 'Bad_Name', labels: { 'a b': 'ok' } },
    ),
  ).toEqual([
    expect.stringMatching(/^metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of/),
    expect.stringMatching(/^metadata.labels: Invalid value: "a b": name part must consist of/),
    `spec.containers[0].name: Invalid value: "C": ${label}`,
    'spec.containers[1].name: Required value',
    'spec.containers[1].image: Required value',
    'spec.containers[1].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
    'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
    'spec.dnsPolicy: Unsupported value: "Guess": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"',
    'spec.containers[0].image: Invalid value: " nginx": must not have leading or trailing whitespace',
  ])
})

test.each<[string, object, string[]]>([
  ['no containers', { containers: [] }, ['spec.containers: Required value']],
  ['two of one name', { containers: [c, c] }, ['spec.containers[1].name: Duplicate value: "c"']],
  [
    'an init container of the same name',
    { initContainers: [c] },
    ['spec.initContainers[0].name: Duplicate value: "c"'],
  ],
  [
    'host ports that clash',
    {
      containers: [
        { ...c, ports: [{ containerPort: 1, hostPort: 80 }] },
        { ...c, name: 'd', ports: [{ containerPort: 2, hostPort: 80 }] },
      ],
    },
    ['spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"'],
  ],
  [
    'a host port on the host network',
    { hostNetwork: true, containers: [{ ...c, ports: [{ containerPort: 1, hostPort: 2 }] }] },
    ['spec.containers[0].ports[0].hostPort: Invalid value: 2: must match `containerPort` when `hostNetwork` is true'],
  ],
  [
    'an init container with a probe',
    { initContainers: [{ ...c, name: 'i', readinessProbe: { exec: { command: ['true'] } } }] },
    [
      'spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
    ],
  ],
  [
    'a sidecar may have one',
    { initContainers: [{ ...c, name: 'i', restartPolicy: 'Always', readinessProbe: { exec: { command: ['true'] } } }] },
    [],
  ],
  [
    'a deadline of no time',
    { activeDeadlineSeconds: 0 },
    ['spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive'],
  ],
  [
    'ephemeral containers from the start',
    { ephemeralContainers: [{ name: 'e', image: 'x' }] },
    ['spec.ephemeralContainers: Forbidden: cannot be set on create'],
  ],
  [
    'gated and bound',
    { nodeName: 'n', schedulingGates: [{ name: 'a/b' }] },
    ['spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared'],
  ],
  [
    'gates twice',
    { schedulingGates: [{ name: 'a/b' }, { name: 'a/b' }] },
    ['spec.schedulingGates[1]: Duplicate value: "a/b"'],
  ],
  [
    'no name servers of its own',
    { dnsPolicy: 'None' },
    ['spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None'],
  ],
  [
    'name servers that are none',
    { dnsConfig: { nameservers: ['1.2.3', '010.0.0.1', '::ffff:1.2.3.4', '1.1.1.1'], options: [{}] } },
    [
      'spec.dnsConfig.nameservers: Invalid value: ["1.2.3","010.0.0.1","::ffff:1.2.3.4","1.1.1.1"]: must not have more than 3 nameservers',
      'spec.dnsConfig.nameservers[0]: Invalid value: "1.2.3": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'spec.dnsConfig.nameservers[1]: Invalid value: "010.0.0.1": must not have leading 0s',
      'spec.dnsConfig.nameservers[2]: Invalid value: "::ffff:1.2.3.4": must not be an IPv4-mapped IPv6 address',
      'spec.dnsConfig.options[0]: Required value: must not be empty',
    ],
  ],
  [
    'host users and host namespaces',
    { hostUsers: false, hostPID: true, hostNetwork: true },
    ['spec.hostNetwork: Forbidden: when `hostUsers` is false', 'spec.HostPID: Forbidden: when `hostUsers` is false'],
  ],
  [
    'windows options on linux',
    { os: { name: 'linux' }, securityContext: { windowsOptions: { runAsUserName: 'a' } } },
    ['spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod'],
  ],
  [
    'linux options on windows',
    { os: { name: 'windows' }, containers: [{ ...c, securityContext: { privileged: true } }] },
    ['spec.containers[0].securityContext.privileged: Forbidden: cannot be set for a windows pod'],
  ],
  [
    'an unknown system',
    { os: { name: 'plan9' } },
    ['spec.os: Unsupported value: "plan9": supported values: "linux", "windows"'],
  ],
  [
    'a token without an account',
    { volumes: [{ name: 't', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] },
    [
      'spec.volumes[0].projected.sources[0].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set',
    ],
  ],
  [
    'resources of the whole pod that its containers outgrow',
    {
      resources: { limits: { cpu: '1' }, requests: { cpu: '1' } },
      containers: [{ ...c, resources: { limits: { cpu: '2' }, requests: { cpu: '2' } } }],
    },
    [
      'spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2',
      'spec.resources.containers[0][cpu].limits: Invalid value: "2": must be less than or equal to pod limits of 1',
    ],
  ],
])('%s', (_name, spec, faults) => {
  expect(faultsOf(spec)).toEqual(faults)
})

test.each<[string, object, string[]]>([
  [
    'a port named twice, one wrongly, one of no protocol',
    {
      ports: [
        { containerPort: 1, name: 'http' },
        { containerPort: 2, name: 'http' },
        { containerPort: 3, name: 'UPPER', protocol: 'QUIC' },
        { hostPort: 4 },
      ],
    },
    [
      'spec.containers[0].ports[1].name: Duplicate value: "http"',
      'spec.containers[0].ports[2].name: Invalid value: "UPPER": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
      'spec.containers[0].ports[2].name: Invalid value: "UPPER": must contain at least one letter (a-z)',
      'spec.containers[0].ports[2].protocol: Unsupported value: "QUIC": supported values: "SCTP", "TCP", "UDP"',
      'spec.containers[0].ports[3].containerPort: Required value',
    ],
  ],
  [
    'a variable of two sources',
    {
      env: [
        { name: 'A', value: 'x', valueFrom: { configMapKeyRef: { name: 'm', key: 'k' } } },
        { name: 'B', valueFrom: {} },
        { name: 'C=', value: '' },
        { value: 'v' },
      ],
    },
    [
      'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
      'spec.containers[0].env[1].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      'spec.containers[0].env[2].name: Invalid value: "C=": a valid environment variable name must consist only of printable ASCII characters other than \'=\'',
      'spec.containers[0].env[3].name: Required value',
    ],
  ],
  [
    'fields that cannot be asked for',
    {
      env: [
        { name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.containers' } } },
        { name: 'B', valueFrom: { fieldRef: { fieldPath: 'status.phase' } } },
        { name: 'C', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
        { name: 'D', valueFrom: { resourceFieldRef: { resource: 'limits.gpu' } } },
        { name: 'E', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '2' } } },
      ],
    },
    [
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.containers": error converting fieldPath: field label not supported: spec.containers',
      'spec.containers[0].env[1].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
      'spec.containers[0].env[3].valueFrom.resourceFieldRef.resource: Unsupported value: "limits.gpu": supported values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"',
      'spec.containers[0].env[4].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor\'s values 1m and 1 are supported with the cpu resource',
    ],
  ],
  [
    'mounts of what is not there, and twice in one place',
    {
      volumeMounts: [
        { name: 'x', mountPath: '/a' },
        { name: 'v', mountPath: '/a', subPath: '../b' },
      ],
    },
    [
      'spec.containers[0].volumeMounts[0].name: Not found: "x"',
      'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique',
      'spec.containers[0].volumeMounts.subPath: Invalid value: "../b": must not contain \'..\'',
    ],
  ],
  [
    'probes',
    {
      livenessProbe: { httpGet: { port: 80 }, exec: { command: ['x'] }, successThreshold: 2 },
      readinessProbe: {
        timeoutSeconds: -1,
        terminationGracePeriodSeconds: 3,
        tcpSocket: { port: 'way-too-long-a-name' },
      },
      startupProbe: {},
    },
    [
      'spec.containers[0].livenessProbe.httpGet: Forbidden: may not specify more than 1 handler type',
      'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
      'spec.containers[0].readinessProbe.tcpSocket.port: Invalid value: "way-too-long-a-name": must be no more than 15 characters',
      'spec.containers[0].readinessProbe.timeoutSeconds: Invalid value: -1: must be greater than or equal to 0',
      'spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 3: must not be set for readinessProbes',
      'spec.containers[0].startupProbe: Required value: must specify a handler type',
    ],
  ],
  [
    'a nap longer than the grace',
    { lifecycle: { preStop: { sleep: { seconds: 31 } } } },
    [
      'spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)',
    ],
  ],
  [
    'resources',
    {
      resources: {
        limits: { cpu: '1', 'example.com/gpu': '1500m', 'hugepages-2Mi': '3Mi', storage: '1Gi' },
        requests: { cpu: '2', 'example.com/gpu': '1500m', 'hugepages-2Mi': '3Mi', storage: '1Gi', memory: '-1' },
      },
    },
    [
      'spec.containers[0].resources.limits[example.com/gpu]: Invalid value: "1500m": must be an integer',
      'spec.containers[0].resources.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi',
      'spec.containers[0].resources.limits[storage]: Invalid value: "storage": must be a standard resource for containers',
      'spec.containers[0].resources.requests[example.com/gpu]: Invalid value: "1500m": must be an integer',
      'spec.containers[0].resources.requests[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi',
      'spec.containers[0].resources.requests[storage]: Invalid value: "storage": must be a standard resource for containers',
      'spec.containers[0].resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0',
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ],
  ],
  [
    'devices without a limit',
    { resources: { requests: { 'example.com/gpu': '1' } } },
    ['spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources'],
  ],
  [
    'rights',
    {
      securityContext: {
        runAsUser: -1,
        privileged: true,
        allowPrivilegeEscalation: false,
        seccompProfile: { type: 'Localhost' },
        procMount: 'Unmasked',
      },
    },
    [
      'spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive',
      'spec.containers[0].securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`',
      'spec.containers[0].securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost',
      expect.stringMatching(
        /^spec.containers\[0\].securityContext: Invalid value: \{.*\}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true$/,
      ) as string,
    ],
  ],
  [
    'a pull policy and a message policy that are none',
    { imagePullPolicy: 'Sometimes', terminationMessagePolicy: 'Shout' },
    [
      'spec.containers[0].terminationMessagePolicy: Unsupported value: "Shout": supported values: "File", "FallbackToLogsOnError"',
      'spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
    ],
  ],
  [
    'restart rules without a policy of its own',
    { restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }] },
    ['spec.containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used'],
  ],
])('container: %s', (_name, more, faults) => {
  expect(ofContainer(more, { volumes: [{ name: 'v', emptyDir: {} }] })).toEqual(faults)
})

test.each<[string, object[], string[]]>([
  [
    'two types',
    [{ name: 'v', emptyDir: {}, secret: { secretName: 's' } }],
    ['spec.volumes[0].secret: Forbidden: may not specify more than 1 volume type'],
  ],
  ['no name', [{ emptyDir: {} }], ['spec.volumes[0].name: Required value']],
  ['one name twice', [{ name: 'v' }, { name: 'v' }], ['spec.volumes[1].name: Duplicate value: "v"']],
  [
    'a mode in decimal',
    [{ name: 'v', configMap: { name: 'm', defaultMode: 777, items: [{ key: '', path: '/abs' }] } }],
    [
      'spec.volumes[0].configMap.defaultMode: Invalid value: 777: must be a number between 0 and 0777 (octal), both inclusive',
      'spec.volumes[0].configMap.items[0].key: Required value',
      'spec.volumes[0].configMap.items[0].path: Invalid value: "/abs": must be a relative path',
    ],
  ],
  [
    'a path out of the host directory',
    [{ name: 'v', hostPath: { path: '/a/../b', type: 'Door' } }],
    [
      'spec.volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain \'..\'',
      'spec.volumes[0].hostPath.type: Unsupported value: "Door": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"',
    ],
  ],
  [
    'a claim that the pod itself makes',
    [
      {
        name: 'data',
        ephemeral: {
          volumeClaimTemplate: {
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
          },
        },
      },
      { name: 'v', persistentVolumeClaim: { claimName: 'p-data' } },
    ],
    [
      'spec.volumes[1].persistentVolumeClaim.claimName: Invalid value: "p-data": must not reference a PVC that gets created for an ephemeral volume',
    ],
  ],
  [
    'a claim of no size',
    [{ name: 'v', ephemeral: { volumeClaimTemplate: { metadata: { name: 'x' }, spec: {} } } }],
    [
      'spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set',
      'spec.volumes[0].ephemeral.volumeClaimTemplate.spec.accessModes: Required value: at least 1 access mode is required',
      'spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value',
    ],
  ],
  [
    'projections into one file',
    [
      {
        name: 'v',
        projected: {
          sources: [
            { secret: { name: 's', items: [{ key: 'a', path: 'x' }] } },
            { configMap: { name: 'm', items: [{ key: 'a', path: 'x' }] }, downwardAPI: { items: [{ path: 'y' }] } },
          ],
        },
      },
    ],
    [
      'spec.volumes[0].projected: Invalid value: "m": conflicting duplicate paths',
      'spec.volumes[0].projected.sources[1].downwardAPI: Required value: one of fieldRef and resourceFieldRef is required',
      'spec.volumes[0].projected.sources[1]: Forbidden: may not specify more than 1 volume type per source',
    ],
  ],
  [
    'nothing of an NFS',
    [{ name: 'v', nfs: {} }],
    [
      'spec.volumes[0].nfs.server: Required value',
      'spec.volumes[0].nfs.path: Required value',
      'spec.volumes[0].nfs.path: Invalid value: "": must be an absolute path',
    ],
  ],
  ['nothing of a CSI', [{ name: 'v', csi: {} }], ['spec.volumes[0].csi.driver: Required value']],
])('volume: %s', (_name, volumes, faults) => {
  expect(faultsOf({ volumes })).toEqual(faults)
})

test.each<[string, object, string[]]>([
  [
    'node affinity',
    {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              {
                matchExpressions: [
                  { key: 'a', operator: 'In' },
                  { key: 'b', operator: 'Gt', values: [] },
                  { key: 'c', operator: 'Near' },
                ],
              },
              { matchFields: [{ key: 'metadata.uid', operator: 'In', values: ['x'] }] },
            ],
          },
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 101, preference: {} }],
        },
      },
    },
    [
      "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[1].values: Required value: must be specified single value when `operator` is 'Lt' or 'Gt'",
      'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[2].operator: Invalid value: "Near": not a valid selector operator',
      'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[1].matchFields[0].key: Invalid value: "metadata.uid": not a valid field selector key',
      'spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 101: must be in the range 1-100',
    ],
  ],
  [
    'pod affinity without a topology',
    {
      affinity: {
        podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ matchLabelKeys: ['a'] }] },
      },
    },
    [
      'spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set',
      'spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: can not be empty',
      expect.stringMatching(/topologyKey: Invalid value: "": name part must be non-empty$/) as string,
      expect.stringMatching(/topologyKey: Invalid value: "": name part must consist of/) as string,
    ],
  ],
  [
    'tolerations',
    {
      tolerations: [
        { operator: 'Equal' },
        { key: 'a', operator: 'Exists', value: 'x' },
        { key: 'a', effect: 'NoSchedule', tolerationSeconds: 3 },
        { key: 'a', effect: 'Never' },
        { key: 'a', operator: 'Like' },
      ],
    },
    [
      'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      'spec.tolerations[1].operator: Invalid value: "x": value must be empty when `operator` is \'Exists\'',
      'spec.tolerations[2].effect: Invalid value: "NoSchedule": effect must be \'NoExecute\' when `tolerationSeconds` is set',
      'spec.tolerations[3].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
      'spec.tolerations[4].operator: Unsupported value: "Like": supported values: "Equal", "Exists"',
    ],
  ],
  [
    'spread',
    {
      topologySpreadConstraints: [
        { topologyKey: 'z', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 0, minDomains: 2 },
        { topologyKey: 'z', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 1, nodeTaintsPolicy: 'Ask' },
        { maxSkew: 1 },
      ],
    },
    [
      'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
      'spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "{z, ScheduleAnyway}"',
      'spec.topologySpreadConstraints[0].minDomains: Invalid value: 2: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway',
      'spec.topologySpreadConstraints[1].nodeTaintsPolicy: Unsupported value: "Ask": supported values: "Honor", "Ignore"',
      'spec.topologySpreadConstraints[2].topologyKey: Required value: can not be empty',
      'spec.topologySpreadConstraints[2].whenUnsatisfiable: Unsupported value: "": supported values: "DoNotSchedule", "ScheduleAnyway"',
    ],
  ],
  [
    'sysctls',
    { securityContext: { sysctls: [{ name: 'A!' }, { name: 'kernel.msgmax' }, { name: 'kernel.msgmax' }] } },
    [
      expect.stringMatching(
        /^spec.securityContext.sysctls\[0\].name: Invalid value: "A!": must have at most 253 characters/,
      ) as string,
      'spec.securityContext.sysctls[2].name: Duplicate value: "kernel.msgmax"',
    ],
  ],
])('%s', (_name, spec, faults) => {
  expect(faultsOf(spec)).toEqual(faults)
})

test('annotations that mean something must make sense', () => {
  const annotations = {
    'controller.kubernetes.io/pod-deletion-cost': '+5',
    'kubernetes.io/config.mirror': 'x',
    'container.apparmor.security.beta.kubernetes.io/other': 'nonsense',
  }
  expect(faultsOf({}, { annotations })).toEqual([
    'metadata.annotations[controller.kubernetes.io/pod-deletion-cost]: Invalid value: "+5": must be a 32bit integer',
    'metadata.annotations[kubernetes.io/config.mirror]: Invalid value: "x": must set spec.nodeName if mirror pod annotation is set',
    'metadata.annotations[container.apparmor.security.beta.kubernetes.io/other]: Invalid value: "other": container not found',
    'metadata.annotations[container.apparmor.security.beta.kubernetes.io/other]: Invalid value: "nonsense": invalid AppArmor profile name: "nonsense"',
  ])
})

test('what is valid but doubtful is warned of (pkg/api/pod/warnings.go)', () => {
  const { warnings } = create(Pods, {
    metadata: { name: 'a.b' },
    spec: {
      containers: [
        {
          ...c,
          env: [
            { name: 'A', value: '1' },
            { name: 'A', value: '2' },
            { name: 'A', value: '$(A)3' },
          ],
          ports: [{ containerPort: 80, name: 'web' }],
          resources: { limits: { memory: '100m' } },
        },
        { ...c, name: 'd', ports: [{ containerPort: 80, name: 'web' }] },
      ],
      nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
      volumes: [{ name: 'g', gitRepo: { repository: 'r' } }],
      terminationGracePeriodSeconds: -1,
    },
  })
  expect(warnings).toEqual([
    "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
    'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
    'spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+',
    'spec.containers[0].resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer',
    'spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer',
    'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
    'spec.containers[1].ports[0]: duplicate port definition with spec.containers[0].ports[0]',
    'spec.containers[1].ports[0]: duplicate port name "web" with spec.containers[0].ports[0], services and probes that select ports by name will use spec.containers[0].ports[0]',
    'spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1',
  ])
})
