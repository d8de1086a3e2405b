// ControllerRevisions: immutable snapshots of a controller's state, numbered by revision.

import type { ControllerRevision } from '../../generated/types.ts'
import { controllerOf } from '../api/owners.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, root } from './field-path.ts'
import { nonNegative, unchanged } from './field-rules.ts'
import { defineKind } from './kind.ts'

/** Kind `ControllerRevision` of `apps/v1`: `controllerrevisions`, in namespaces. */
export const ControllerRevisions = defineKind<ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  singular: 'controllerrevision',
  namespaced: true,
  hasGeneration: false,
  columns: [
    nameColumn,
    {
      name: 'Controller',
      type: 'string',
      description: 'The object whose history this is part of.',
      value: revision => {
        const owner = controllerOf(revision)
        if (!owner) return '<none>'
        const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : ''
        const kind = `${owner.kind}${group}`.toLowerCase()
        return `${kind}/${owner.name}`
      },
    },
    {
      name: 'Revision',
      type: 'string',
      description: 'Place in the history, rising.',
      value: revision => String(revision.revision),
    },
    ageColumn,
  ],
  validate(next, old) {
    const faults = new Faults()
    nonNegative(next.revision, root, 'revision', faults)
    const path = root.child('data')
    const data: unknown = next.data
    if (old) unchanged(data, old.data, path, faults)
    else if (data === undefined || data === null) faults.required(path, 'data is mandatory')
    else if (typeof data !== 'object' || Array.isArray(data)) {
      faults.required(path, 'data must be a valid JSON object')
    }
    return faults.list
  },
})
