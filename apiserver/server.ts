// The API server without a socket: registry, direct client, and what every cluster has from its first moment. Built by
// src/cluster.ts (and by tests); the HTTP door (http/) is opened upon the same registry.

import type {
  ConfigMap,
  CustomResourceDefinition,
  EndpointSlice,
  Endpoints,
  FlowSchema,
  Namespace,
  PriorityClass,
  PriorityLevelConfiguration,
  Service,
  ServiceCIDR,
  StorageClass,
} from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import type { Frozen, KubeObject, NewObject, Ref } from '../src/api/meta.ts'
import { rfc3339 } from '../src/api/time.ts'
import type { Client } from '../src/client/client.ts'
import type { NodeClient } from '../src/client/node-client.ts'
import type { ResourceUsage } from '../src/client/resource-usage.ts'
import type { Clock, Millis } from '../src/env/clock.ts'
import type { Env } from '../src/env/env.ts'
import { ConfigMaps } from '../src/kinds/configmap.ts'
import { EndpointsKind } from '../src/kinds/endpoints.ts'
import { EndpointSlices } from '../src/kinds/endpointslice.ts'
import { mandatoryLevels, mandatorySchemas, suggestedLevels, suggestedSchemas } from '../src/kinds/flow-bootstrap.ts'
import { FlowSchemas } from '../src/kinds/flowschema.ts'
import type { Kind } from '../src/kinds/kind.ts'
import { Namespaces } from '../src/kinds/namespace.ts'
import { PriorityClasses, systemPriorityClasses } from '../src/kinds/priorityclass.ts'
import { PriorityLevelConfigurations } from '../src/kinds/prioritylevelconfiguration.ts'
import { Services } from '../src/kinds/service.ts'
import { defaultServiceCidr, ServiceCIDRs } from '../src/kinds/servicecidr.ts'
import { defaultClassAnnotation, StorageClasses } from '../src/kinds/storageclass.ts'
import type { Admission, AdmissionRequest } from './admission/admission.ts'
import { expressionFaults, hasExpressions } from './admission/policies/expression-faults.ts'
import { mutatingPolicies } from './admission/policies/mutating-policies.ts'
import { validatingPolicies } from './admission/policies/validating-policies.ts'
import { addressRanges, ownAddress } from './admission/service-addresses.ts'
import type { Family } from './admission/service-families.ts'
import { createWebhooks } from './admission/webhooks/webhooks.ts'
import { Aggregation } from './aggregation/aggregation.ts'
import { ensureLocalServices, followCustomServices } from './aggregation/local-services.ts'
import { type Authorizer, createAuthorizer } from './auth/authorization.ts'
import { bootstrapRoles } from './auth/bootstrap-roles.ts'
import { celAuthorizerOf } from './auth/cel-authorizer.ts'
import { LegacyTokenTracking } from './auth/legacy-token-tracking.ts'
import { builtinReviews } from './auth/reviews.ts'
import { loadOrCreateSigningKey, type SigningKey } from './auth/service-account-keys.ts'
import { ServiceAccountTokens } from './auth/service-account-tokens.ts'
import { tokenRequests } from './auth/token-requests.ts'
import { CelLoader } from './cel/cel-loader.ts'
import type { CelAuthorizer } from './cel/library/authorizer.ts'
import { type Conversion, renaming } from './custom/conversion.ts'
import { webhookConversion } from './custom/conversion-webhook.ts'
import { createCustomResources } from './custom/custom-resources.ts'
import { withJudgedDefinitions } from './custom/definition-kind.ts'
import { SchemaLoader } from './custom/schema-loader.ts'
import { createDirectClient } from './direct-client.ts'
import { expireEvents } from './event-expiry.ts'
import { FlowControl } from './flowcontrol/flow-control.ts'
import { httpsOutgoing } from './outgoing/https-outgoing.ts'
import type { DialSimulated, Outgoing } from './outgoing/outgoing.ts'
import { PastViews } from './past-views.ts'
import type { AreComponentsRunning } from './registry/component-statuses.ts'
import type { PutOff } from './registry/put-off.ts'
import { createRegistry, type Registry } from './registry/registry.ts'
import { storageTerms } from './registry/terms.ts'
import type { Revision, Storage } from './storage/storage.ts'

export interface ApiServer {
  readonly registry: Registry
  /** The API as it was, read-only. */
  readonly past: PastViews
  /** The direct door. */
  readonly client: Client
  /** What other servers serve behind this one. */
  readonly aggregation: Aggregation
  /** Which requests of the HTTP door are served at once. */
  readonly flows: FlowControl
  /** The port to what runs on the nodes: logs, proxy. */
  readonly nodes: NodeClient | undefined
  readonly authorizer: Authorizer
  readonly tokens: ServiceAccountTokens
  /** Sees to the first namespaces and to the Service `kubernetes`, which leads to the address given. May be called again. */
  bootstrap(at: {
    readonly address: string
    readonly port: number
    /** PEM; whom servers behind this one are to believe. */
    readonly certificateAuthority?: string
  }): Promise<void>
  /** Sees to the roles and bindings that every cluster has: what makes anybody but the masters able to do anything. */
  bootstrapRoles(): Promise<void>
  /** Stops its timers; watches and storage are their owners' to end. */
  close(): void
}

export interface ApiServerOptions {
  readonly nodes?: NodeClient | undefined
  /** How webhooks are asked. Default: over HTTPS, for real. */
  readonly outgoing?: Outgoing | undefined
  /** How the API server reaches programs of simulated pods: webhooks and API servers that run there. */
  readonly dial?: DialSimulated | undefined
  /** Of Services' addresses. Default: IPv4 alone. */
  readonly families?: readonly Family[] | undefined
  readonly isRunning?: AreComponentsRunning
  /** Who measures what containers take; without, metrics.k8s.io is not served. */
  readonly usage?: ResourceUsage | undefined
  /** Default: one of its own, upon the roles in the store. */
  readonly authorizer?: Authorizer
  /** Signs the tokens of service accounts. Default: one that is made when it is needed and kept nowhere. */
  readonly signingKey?: SigningKey | undefined
  /** The time of other servers that are asked, where it is not `env.wall`. */
  readonly wallOutside?: Clock | undefined
  /** What is written only when somebody looks. */
  readonly putOff?: PutOff
  /** When a revision was written, by the cluster's clock. */
  readonly timeOf?: (revision: Revision) => Millis | undefined
}

export function createApiServer(
  env: Env,
  storage: Storage,
  kinds: readonly Kind<any>[],
  admission: readonly Admission[],
  options: ApiServerOptions = {},
): ApiServer {
  const {
    nodes,
    outgoing = httpsOutgoing({ ...env, wall: options.wallOutside ?? env.wall }, options.dial),
    isRunning,
    authorizer = createAuthorizer(storage),
  } = options
  const tracking = new LegacyTokenTracking(env, storage, () => client.as('kube-apiserver'))
  const tokens = new ServiceAccountTokens({
    env,
    storage,
    key: () => options.signingKey ?? loadOrCreateSigningKey(undefined),
    used: secret => tracking.used(secret),
  })
  const equivalents = (kind: Kind<any>): readonly Kind<any>[] => equivalentsAmong(registry.kinds, kind)
  const cel = new CelLoader(env)
  const authorizerFor = ({ user }: AdmissionRequest): CelAuthorizer => celAuthorizerOf(user, authorizer)
  const webhooks = createWebhooks({ env, storage, outgoing, equivalents, cel, authorizerFor })
  const policyOptions = { storage, cel, equivalents, authorizerFor, kinds: () => registry.kinds }
  const policies = [mutatingPolicies(policyOptions, admission), validatingPolicies(policyOptions)]
  const schemas = new SchemaLoader(env, cel)
  const registry = createRegistry(
    env,
    storage,
    withJudgedDefinitions(kinds, schemas),
    [...admission, expressionFaults(cel), ...policies],
    builtinReviews(authorizer, tokens),
    webhooks,
    isRunning,
    tokenRequests(env, storage, tokens),
    options.usage,
    options.putOff,
  )
  const conversionIds = env.random.fork('conversion-reviews')
  const conversionOf = (crd: Frozen<CustomResourceDefinition>): Conversion =>
    crd.spec.conversion?.strategy === 'Webhook'
      ? webhookConversion({ outgoing, present: storage }, conversionIds, crd)
      : renaming
  const customResources = createCustomResources(env, storage, registry, schemas, conversionOf)
  const past = new PastViews({
    env,
    storage,
    terms: storageTerms(kinds),
    timeOf: revision => options.timeOf?.(revision),
    open(then, stored) {
      const registryThen = createRegistry(then, stored, kinds, [])
      const custom = createCustomResources(then, stored, registryThen, schemas, conversionOf)
      return { registry: registryThen, ready: custom.ready, close: () => custom.close() }
    },
  })
  const client = createDirectClient(env, registry)
  const stopExpiring = expireEvents(env, storage)
  const flows = new FlowControl({ env, storage, client: client.as('api-priority-and-fairness-config-consumer-v1') })
  const aggregation = new Aggregation({
    env,
    storage,
    client: client.as('kube-aggregator'),
    outgoing,
    dial: options.dial,
  })
  const stopFollowing = followCustomServices(env, storage, client.as('kube-aggregator'))
  return {
    registry,
    past,
    client,
    aggregation,
    flows,
    nodes,
    authorizer,
    tokens,
    bootstrapRoles: () => bootstrapRoles(env, storage),
    async bootstrap({ address, port, certificateAuthority }) {
      await Promise.all([customResources.ready, hasExpressions(storage) ? cel.load() : undefined])
      const own = client.as('kube-apiserver')
      await bootstrap(own, address, port, env.clock.now(), options.families ?? ['IPv4'])
      await Promise.all([
        ensureLocalServices(own, storage, registry.kinds),
        tracking.start(),
        ...(certificateAuthority === undefined
          ? []
          : [ensure<ConfigMap>(own, ConfigMaps, extensionAuthentication(certificateAuthority), ['data'])]),
      ])
    },
    close() {
      stopExpiring()
      tracking.close()
      authorizer.close()
      webhooks.close()
      for (const policy of policies) policy.close()
      customResources.close()
      past.close()
      flows.close()
      aggregation.close()
      stopFollowing()
    },
  }
}

/** The other versions in which the same objects are served. */
function equivalentsAmong(kinds: readonly Kind<any>[], kind: Kind<any>): readonly Kind<any>[] {
  const kept = kind.storedAs?.kind ?? kind
  const isSame = ({ group, plural }: Kind<any>): boolean => group === kind.group && plural === kind.plural
  return kinds.filter(
    other => other !== kind && (kind.custom ? isSame(other) : (other.storedAs?.kind ?? other) === kept),
  )
}

const firstNamespaces = ['kube-system', 'kube-public', 'kube-node-lease', 'default']

async function bootstrap(
  client: Client,
  address: string,
  port: number,
  now: Millis,
  families: readonly Family[],
): Promise<void> {
  const isNew = !(await find(client, Namespaces, { name: 'kube-system' }))
  for (const name of firstNamespaces) await ensure<Namespace>(client, Namespaces, namespace(name), [])
  for (const each of systemPriorityClasses) {
    await ensure<PriorityClass>(client, PriorityClasses, priorityClass(each), [])
  }
  await ensureFlows(client, isNew)
  // Whoever deleted it has not meant it to come back.
  if (isNew) await ensure<StorageClass>(client, StorageClasses, standardClass, [])
  await ensure<ServiceCIDR>(client, ServiceCIDRs, defaultRange(now, families), [])
  await ensure<Service>(client, Services, ownService(port), ['spec'])
  await ensure<Endpoints>(client, EndpointsKind, ownEndpoints(address, port), ['subsets'])
  await dropOtherFamily(client, address)
  await ensure<EndpointSlice>(client, EndpointSlices, ownSlice(address, port), ['endpoints', 'ports'])
}

/** What is mandatory is always there, what is suggested from the start: all in one commit of the store. */
async function ensureFlows(client: Client, isNew: boolean): Promise<void> {
  const levels = isNew ? [...mandatoryLevels, ...suggestedLevels] : mandatoryLevels
  const schemas = isNew ? [...mandatorySchemas, ...suggestedSchemas] : mandatorySchemas
  await Promise.all([
    ...levels.map(each => ensure<PriorityLevelConfiguration>(client, PriorityLevelConfigurations, each, [])),
    ...schemas.map(each => ensure<FlowSchema>(client, FlowSchemas, each, [])),
  ])
}

/** A slice cannot change its family: one of another is made anew. */
async function dropOtherFamily(client: Client, address: string): Promise<void> {
  const slice = await find(client, EndpointSlices, own)
  if (slice && slice.addressType !== familyOf(address)) await client.of(EndpointSlices).delete(own)
}

/** Creates the object, or makes these parts of the one that is there what they should be. */
async function ensure<T extends KubeObject>(
  client: Client,
  kind: Kind<T>,
  object: NewObject<T>,
  parts: readonly (keyof NewObject<T> & string)[],
): Promise<void> {
  const ref = { name: object.metadata.name!, namespace: object.metadata.namespace }
  if (!(await find(client, kind, ref))) {
    await client.of(kind).create(object)
  } else if (parts.length > 0) {
    const body = Object.fromEntries(parts.map(part => [part, object[part]]))
    await client.of(kind).patch(ref, { type: 'merge', body })
  }
}

async function find<T extends KubeObject>(client: Client, kind: Kind<T>, ref: Ref): Promise<Frozen<T> | undefined> {
  try {
    return await client.of(kind).get(ref)
  } catch (error) {
    if (!isNotFound(error)) throw error
    return undefined
  }
}

const familyOf = (address: string): string => (address.includes(':') ? 'IPv6' : 'IPv4')

const namespace = (name: string): NewObject<Namespace> =>
  ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }) as NewObject<Namespace>

const priorityClass = ({
  name,
  value,
  description,
}: (typeof systemPriorityClasses)[number]): NewObject<PriorityClass> => ({
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  metadata: { name },
  value,
  description,
})

/** The default class, named as those of kind and minikube; its provisioner is nobody else's. */
const standardClass: NewObject<StorageClass> = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'standard', annotations: { [defaultClassAnnotation]: 'true' } },
  provisioner: 'kubesim.dev/simulated',
}

/** pkg/controlplane/controller/defaultservicecidr/default_servicecidr_controller.go. */
const defaultRange = (now: Millis, families: readonly Family[]): NewObject<ServiceCIDR> => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'ServiceCIDR',
  metadata: { name: defaultServiceCidr },
  spec: { cidrs: addressRanges(families) },
  status: {
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        lastTransitionTime: rfc3339(now),
        reason: '',
        message: 'Kubernetes default Service CIDR is ready',
      },
    ],
  },
})

/** By what servers behind this one know it (pkg/controlplane/controller/clusterauthenticationtrust). */
const extensionAuthentication = (authority: string): NewObject<ConfigMap> => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
  data: {
    'client-ca-file': authority,
    'requestheader-allowed-names': JSON.stringify(['front-proxy-client']),
    'requestheader-client-ca-file': authority,
    'requestheader-extra-headers-prefix': JSON.stringify(['X-Remote-Extra-']),
    'requestheader-group-headers': JSON.stringify(['X-Remote-Group']),
    'requestheader-uid-headers': JSON.stringify(['X-Remote-Uid']),
    'requestheader-username-headers': JSON.stringify(['X-Remote-User']),
  },
})

const own = { name: 'kubernetes', namespace: 'default' }

const ownService = (port: number): NewObject<Service> => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { ...own, labels: { component: 'apiserver', provider: 'kubernetes' } },
  spec: {
    type: 'ClusterIP',
    clusterIP: ownAddress,
    clusterIPs: [ownAddress],
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
    sessionAffinity: 'None',
    ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: port }],
  },
})

const ownEndpoints = (address: string, port: number): NewObject<Endpoints> => ({
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: { ...own, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
  subsets: [{ addresses: [{ ip: address }], ports: [{ name: 'https', port, protocol: 'TCP' }] }],
})

const ownSlice = (address: string, port: number): NewObject<EndpointSlice> => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { ...own, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
  addressType: familyOf(address),
  endpoints: [{ addresses: [address], conditions: { ready: true } }],
  ports: [{ name: 'https', port, protocol: 'TCP' }],
})
