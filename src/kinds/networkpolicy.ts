// NetworkPolicies: which traffic some pods take and make. Rules: pkg/apis/networking/validation/validation.go.

import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { portNameFaults, portNumberFaults } from '../api/names.ts'
import { ageColumn, nameColumn, selectorText } from './columns.ts'
import { Faults, type FieldPath } from './field-path.ts'
import { optionalOneOf } from './field-rules.ts'
import { cidrRule, isInSubnet, parseCidr } from './ip-address.ts'
import { defineKind } from './kind.ts'
import { labelSelectorRules } from './label-selector-rules.ts'
import { specPath } from './workload-rules.ts'

type Policy = Frozen<NetworkPolicy>

/** Kind `NetworkPolicy` of `networking.k8s.io/v1`: `networkpolicies`, in namespaces. */
export const NetworkPolicies = defineKind<NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  singular: 'networkpolicy',
  shortNames: ['netpol'],
  namespaced: true,
  columns: [
    nameColumn,
    {
      name: 'Pod-Selector',
      type: 'string',
      description: 'Which pods it is about.',
      value: ({ spec }) => selectorText(spec.podSelector),
    },
    ageColumn,
  ],
  defaults(draft) {
    draft.spec ??= {}
    const { spec } = draft
    spec.podSelector ??= {}
    for (const { ports } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
      for (const port of ports ?? []) port.protocol ??= 'TCP'
    }
    // Ingress always; egress only where something is said of it (SetDefaults_NetworkPolicy).
    if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress']
  },
  validate(next, old) {
    const faults = new Faults()
    policyRules(next, cidrsOf(old), faults)
    return faults.list
  },
})

function policyRules({ spec }: Policy, kept: readonly string[], faults: Faults): void {
  labelSelectorRules(spec.podSelector, specPath.child('podSelector'), faults)
  for (const [index, { ports, from }] of (spec.ingress ?? []).entries()) {
    const at = specPath.child('ingress').index(index)
    ruleRules(ports, from, at, 'from', kept, faults)
  }
  for (const [index, { ports, to }] of (spec.egress ?? []).entries()) {
    const at = specPath.child('egress').index(index)
    ruleRules(ports, to, at, 'to', kept, faults)
  }
  const types = spec.policyTypes ?? []
  const at = specPath.child('policyTypes')
  if (types.length > 2) {
    faults.invalid(at, types, 'may not specify more than two policyTypes')
    return
  }
  for (const [index, type] of types.entries()) {
    if (type !== 'Ingress' && type !== 'Egress') faults.notSupported(at.index(index), type, ['Ingress', 'Egress'])
  }
}

function ruleRules(
  ports: readonly Frozen<NetworkPolicyPort>[] | undefined,
  peers: readonly Frozen<NetworkPolicyPeer>[] | undefined,
  path: FieldPath,
  direction: 'from' | 'to',
  kept: readonly string[],
  faults: Faults,
): void {
  for (const [index, port] of (ports ?? []).entries()) portRules(port, path.child('ports').index(index), faults)
  for (const [index, peer] of (peers ?? []).entries()) peerRules(peer, path.child(direction).index(index), kept, faults)
}

function portRules({ protocol, port, endPort }: Frozen<NetworkPolicyPort>, path: FieldPath, faults: Faults): void {
  optionalOneOf(protocol, ['TCP', 'UDP', 'SCTP'], path, 'protocol', faults)
  const end = path.child('endPort')
  if (typeof port === 'number') {
    faults.invalids(portNumberFaults(port), port, path, 'port')
    if (endPort === undefined) return
    if (endPort < port) faults.invalid(end, endPort, 'must be greater than or equal to `port`')
    faults.invalids(portNumberFaults(endPort), endPort, end)
  } else if (port !== undefined) {
    if (endPort !== undefined) faults.invalid(end, endPort, 'may not be specified when `port` is non-numeric')
    faults.invalids(portNameFaults(port), port, path, 'port')
  } else if (endPort !== undefined) {
    faults.invalid(end, endPort, 'may not be specified when `port` is not specified')
  }
}

function peerRules(peer: Frozen<NetworkPolicyPeer>, path: FieldPath, kept: readonly string[], faults: Faults): void {
  const { podSelector, namespaceSelector, ipBlock } = peer
  labelSelectorRules(podSelector, path.child('podSelector'), faults)
  labelSelectorRules(namespaceSelector, path.child('namespaceSelector'), faults)
  if (ipBlock) blockRules(ipBlock, path.child('ipBlock'), kept, faults)
  if (!podSelector && !namespaceSelector && !ipBlock) faults.required(path, 'must specify a peer')
  else if (ipBlock && (podSelector || namespaceSelector)) {
    faults.forbidden(path, 'may not specify both ipBlock and another peer')
  }
}

function blockRules(
  { cidr, except = [] }: NonNullable<Frozen<NetworkPolicyPeer>['ipBlock']>,
  path: FieldPath,
  kept: readonly string[],
  faults: Faults,
): void {
  if (!cidr) {
    faults.required(path.child('cidr'))
    return
  }
  cidrRule(cidr, path.child('cidr'), faults, kept)
  const outer = parseCidr(cidr)
  if (!outer) return
  for (const [index, text] of except.entries()) {
    const at = path.child('except').index(index)
    cidrRule(text, at, faults, kept)
    const inner = parseCidr(text)
    if (inner && (outer.length >= inner.length || !isInSubnet(inner.bytes, outer))) {
      faults.invalid(at, text, 'must be a strict subset of `cidr`')
    }
  }
}

/** What stood in the policy before may stand anywhere in it now. */
function cidrsOf(policy: Policy | undefined): string[] {
  if (!policy) return []
  const peers = [
    ...(policy.spec.ingress ?? []).flatMap(({ from }) => from ?? []),
    ...(policy.spec.egress ?? []).flatMap(({ to }) => to ?? []),
  ]
  return peers.flatMap(({ ipBlock }) => (ipBlock ? [ipBlock.cidr, ...(ipBlock.except ?? [])] : []))
}
