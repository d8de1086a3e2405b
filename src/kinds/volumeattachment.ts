// VolumeAttachments: that a volume is to be attached to a node, and whether it is. Rules:
// pkg/apis/storage/validation/validation.go, pkg/registry/storage/volumeattachment/strategy.go.

import type { VolumeAttachment, VolumeAttachmentSource, VolumeError } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { between, dns1123SubdomainFaults } from '../api/names.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { csiDriverNameRules } from './csi-driver-name.ts'
import { Faults, FieldPath } from './field-path.ts'
import { unchanged } from './field-rules.ts'
import { textSize } from './keyed-data-rules.ts'
import { defineKind } from './kind.ts'
import { keepMetadata } from './object-meta.ts'
import { inlineVolumeRules } from './persistentvolume-rules.ts'
import { specPath, statusPath } from './workload-rules.ts'

type Attachment = Frozen<VolumeAttachment>

/** Kind `VolumeAttachment` of `storage.k8s.io/v1`: `volumeattachments`, without a namespace. */
export const VolumeAttachments = defineKind<VolumeAttachment>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  plural: 'volumeattachments',
  singular: 'volumeattachment',
  namespaced: false,
  hasGeneration: false,
  unconditionalUpdate: false,
  subresources: ['status'],
  columns: [
    nameColumn,
    {
      name: 'Attacher',
      type: 'string',
      format: 'name',
      description: 'The driver that is to attach it.',
      value: ({ spec }) => spec.attacher ?? '',
    },
    {
      name: 'PV',
      type: 'string',
      description: 'Which volume.',
      value: ({ spec }) => spec.source?.persistentVolumeName ?? '',
    },
    { name: 'Node', type: 'string', description: 'To which node.', value: ({ spec }) => spec.nodeName ?? '' },
    {
      name: 'Attached',
      type: 'boolean',
      description: 'Whether it is attached.',
      value: ({ status }) => status.attached ?? false,
    },
    ageColumn,
  ],
  defaults(draft) {
    draft.spec ??= {} as VolumeAttachment['spec']
    draft.spec.source ??= {}
    draft.status ??= { attached: false }
    draft.status.attached ??= false
  },
  prepare(draft, old, { subresource }) {
    if (!old) draft.status = { attached: false }
    else if (subresource === 'status') keepMetadata(draft, old)
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    attachmentRules(next, faults)
    if (!old) newAttachmentRules(next, faults)
    else if (subresource !== 'status') unchanged(next.spec, old.spec, specPath, faults)
    return faults.list
  },
})

function attachmentRules({ spec, status }: Attachment, faults: Faults): void {
  if (!spec.attacher) faults.required(specPath.child('attacher'))
  sourceRules(spec.source, faults)
  faults.invalids(dns1123SubdomainFaults(spec.nodeName ?? ''), spec.nodeName ?? '', specPath, 'nodeName')
  let size = 0
  for (const [key, value] of Object.entries(status.attachmentMetadata ?? {})) size += textSize(key) + textSize(value)
  if (size > longestMetadata) faults.tooLong(statusPath.child('attachmentMetadata'), longestMetadata)
  errorRules(status.attachError, statusPath.child('attachError'), faults)
  errorRules(status.detachError, statusPath.child('detachError'), faults)
}

const longestMetadata = 256 * 1024
const longestMessage = 1024

function sourceRules({ inlineVolumeSpec, persistentVolumeName: name }: Frozen<VolumeAttachmentSource>, faults: Faults) {
  const path = specPath.child('source')
  const detail = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'
  if (!inlineVolumeSpec && name === undefined) faults.required(path, detail)
  else if (inlineVolumeSpec && name !== undefined) faults.forbidden(path, detail)
  else if (name === '') {
    faults.required(path.child('persistentVolumeName'), 'must specify non empty persistentVolumeName')
  } else if (inlineVolumeSpec) inlineVolumeRules(inlineVolumeSpec, path.child('inlineVolumeSpec'), faults)
}

function errorRules(error: Frozen<VolumeError> | undefined, path: FieldPath, faults: Faults): void {
  if (!error) return
  // The limit that upstream names is not the one that it holds to.
  if (textSize(error.message ?? '') > longestMessage) faults.tooLong(path.child('message'), longestMetadata)
  const { errorCode: code } = error
  if (code !== undefined && code < 0) faults.invalid(path.child('errorCode'), code, between(0, 2147483647))
}

/** What is asked of new ones since version 1. */
function newAttachmentRules({ spec }: Attachment, faults: Faults): void {
  csiDriverNameRules(spec.attacher ?? '', new FieldPath('spec.attacher'), faults)
  const name = spec.source.persistentVolumeName
  if (name === undefined) return
  faults.invalids(dns1123SubdomainFaults(name), name, new FieldPath('spec.source.persistentVolumeName'))
}
