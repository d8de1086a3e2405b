// Every Service labelled `sandbox: "yes"` gets a NetworkNote: a ConfigMap that says which of its pods answer.

import type { ConfigMap, Service } from '../../generated/types.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { NewObject } from '../../src/api/meta.ts'
import { ownerReference } from '../../src/api/owners.ts'
import { ConfigMaps, EndpointSlices, Services } from '../../src/kinds/index.ts'
import { type ControllerSpec, defineController } from '../../src/runtime/controller.ts'

export function networkNotes(): ControllerSpec<Service> {
  return defineController<Service>({
    name: 'network-notes',
    for: Services,
    owns: [ConfigMaps],
    wakes: [
      {
        kind: EndpointSlices,
        keys(now, before) {
          const { namespace, labels } = (now ?? before)!.metadata
          const name = labels?.['kubernetes.io/service-name']
          return name ? [{ name, namespace }] : []
        },
      },
    ],
    concerns: ({ metadata }) => metadata.labels?.sandbox === 'yes',

    async reconcile(service, { client, lister, event }) {
      const { name, namespace } = service.metadata
      const ready = lister(EndpointSlices)
        .list({ namespace, matches: labels => labels['kubernetes.io/service-name'] === name })
        .flatMap(({ endpoints = [] }) => endpoints)
        .filter(({ conditions }) => conditions?.ready)
        .map(({ targetRef }) => targetRef?.name ?? '')
      const data = { pods: ready.sort().join('\n') }

      const ref = { name: `${name}-note`, namespace }
      const note = lister(ConfigMaps).get(ref)
      if (note === undefined) {
        const metadata = { ...ref, namespace: namespace!, ownerReferences: [ownerReference(service, Services)] }
        const made: NewObject<ConfigMap> = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data }
        await client.of(ConfigMaps).create(made)
        event(service, 'Normal', 'NoteMade', `Created note: ${ref.name}`)
      } else if (!jsonEqual(note.data, data)) {
        await client.of(ConfigMaps).update({ ...note, data })
      }
    },
  })
}
