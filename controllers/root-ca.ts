// The root certificate: every namespace that lives has a ConfigMap by which its pods can trust the API server. Upstream:
// pkg/controller/certificates/rootcacertpublisher/publisher.go.

import type { ConfigMap, Namespace } from '../generated/types.ts'
import { isAlreadyExists } from '../src/api/errors.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { NewObject } from '../src/api/meta.ts'
import { ConfigMaps } from '../src/kinds/configmap.ts'
import { Namespaces } from '../src/kinds/namespace.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { isNamespaceEnding } from './shared/replicas.ts'

const name = 'kube-root-ca.crt'
const description = 'kubernetes.io/description'
const explanation =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the ' +
  'internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.'

/** `certificate`: the cluster's CA, as PEM. */
export function rootCertificatePublisher(certificate: string): ControllerSpec<Namespace> {
  const data = { 'ca.crt': certificate }
  return defineController<Namespace>({
    name: 'root-ca-certificate-publisher-controller',
    for: Namespaces,
    wakes: [
      {
        kind: ConfigMaps,
        keys(now, before) {
          const { metadata } = (now ?? before)!
          return metadata.name === name && (before !== undefined || now === undefined)
            ? [{ name: metadata.namespace! }]
            : []
        },
      },
    ],
    concerns: ({ status }) => status.phase === 'Active',
    async reconcile({ metadata }, { client, lister }) {
      const ref = { name, namespace: metadata.name }
      const present = lister(ConfigMaps).get(ref)
      if (present === undefined) {
        const annotations = { [description]: explanation }
        const map: NewObject<ConfigMap> = {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { ...ref, annotations },
          data,
        }
        try {
          await client.of(ConfigMaps).create(map)
        } catch (error) {
          if (!isAlreadyExists(error) && !isNamespaceEnding(error)) throw error
        }
        return
      }
      const isSame = jsonEqual(present.data, data) && present.metadata.annotations?.[description] === explanation
      if (isSame) return
      const annotations = { ...present.metadata.annotations, [description]: explanation }
      await client.of(ConfigMaps).update({ ...present, metadata: { ...present.metadata, annotations }, data })
    },
  })
}
