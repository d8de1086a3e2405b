// Which manifests of the documentation are refused on a real cluster too, at which step and in which words, and which need
// something to be there first. All others pass every step.

/** What its page has the reader make before, as words of kubectl; deleted after. */
export const prerequisites: Readonly<Record<string, readonly string[]>> = {
  'pods/pod-projected-svc-token.yaml': ['serviceaccount', 'build-robot'],
  'secret/serviceaccount-token-secret.yaml': ['serviceaccount', 'sa-name'],
  'policy/high-priority-pod.yaml': ['priorityclass', 'high', '--value=1000'],
}

/** No class of storage in the manifest: admission chose the default one, and what replaces the claim would take it away. */
const noClass = [/^replace: The PersistentVolumeClaim .* is invalid: spec: Forbidden: spec is immutable after creation/]

const noIPv6 = [
  /^apply: The Service "my-service" is invalid: spec.ipFamilies\[0\]: Invalid value: "IPv6": not configured on this cluster$/,
]

/** Gone since Kubernetes 1.25. */
const noPodSecurityPolicy = [/^apply: error: .*no matches for kind "PodSecurityPolicy" in version "policy\/v1beta1"/]

/** By file, a pattern for each step that fails; after a failed apply nothing else is tried. */
export const manifestOutcomes: Readonly<Record<string, readonly RegExp[]>> = {
  // Placeholders, not base64.
  'access/manifest-admission-control/validating-webhook.yaml': [/^apply: .*illegal base64 data at input byte 0$/],
  'secret/tls-auth-secret.yaml': [/^apply: .*illegal base64 data at input byte 7$/],
  'admin/resource/pvc-limit-greater.yaml': noClass,
  'admin/resource/pvc-limit-lower.yaml': noClass,
  'application/wordpress/mysql-deployment.yaml': noClass,
  'application/wordpress/wordpress-deployment.yaml': noClass,
  // Its claim is bound by then, and the manifest would take the volume's name away.
  'application/mysql/mysql-pv.yaml': [
    /^replace: The PersistentVolumeClaim .* is invalid: spec: Forbidden: .*volumeName/,
  ],
  // Its class is null and to be filled in: each step takes away what admission chose.
  'policy/gold-vac-pvc.yaml': [
    /^diff: .*spec: Forbidden: spec is immutable after creation/,
    /^apply --server-side: .*spec: Forbidden: spec is immutable after creation/,
    /^replace: .*spec: Forbidden: spec is immutable after creation/,
  ],
  // Behind the gate TaintTolerationComparisonOperators, alpha in 1.36.
  'pods/pod-with-numeric-toleration.yaml': [
    /^apply: The Pod .* is invalid: spec.tolerations\[0\].operator: Unsupported value: "Gt"/,
  ],
  // For the tool kind, not for a cluster.
  'pods/security/seccomp/kind.yaml': [/no matches for kind "Cluster" in version "kind.x-k8s.io\/v1alpha4"/],
  'policy/baseline-psp.yaml': noPodSecurityPolicy,
  'policy/privileged-psp.yaml': noPodSecurityPolicy,
  'service/networking/dual-stack-ipfamilies-ipv6.yaml': noIPv6,
  'service/networking/dual-stack-preferred-ipfamilies-svc.yaml': noIPv6,
  // A new cluster has a class of that name already.
  'storage/storageclass/storageclass-topology.yaml': [/provisioner: Forbidden: updates to provisioner are forbidden/],
}
