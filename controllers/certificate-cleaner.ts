// Certificate requests that are done with go: an hour after they were issued, denied or failed, a day after nobody decided, and
// when the certificate has expired. Upstream looks once an hour; so does this, counted from each request's own time:
// pkg/controller/certificates/cleaner/cleaner.go.

import type { CertificateSigningRequest } from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import type { Frozen } from '../src/api/meta.ts'
import { parseTime } from '../src/api/time.ts'
import type { Millis } from '../src/env/clock.ts'
import { CertificateSigningRequests } from '../src/kinds/certificatesigningrequest.ts'
import { pemBlocks, readCertificate, textOfBase64 } from '../src/kinds/x509-reading.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'

const hour = 3_600_000
const decided = hour
const undecided = 24 * hour

export function certificateCleaner(): ControllerSpec<CertificateSigningRequest> {
  return defineController<CertificateSigningRequest>({
    name: 'certificatesigningrequest-cleaner-controller',
    for: CertificateSigningRequests,
    async reconcile(csr, { client, clock }) {
      const due = dueOf(csr)
      const now = clock.now()
      if (due === undefined) return
      if (due > now) return { again: due - now }
      try {
        await client.of(CertificateSigningRequests).delete(csr.metadata, { preconditions: { uid: csr.metadata.uid } })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    },
  })
}

/** One that is approved waits for its signer as long as it takes. */
function dueOf({ metadata, status }: Frozen<CertificateSigningRequest>): Millis | undefined {
  const { conditions = [], certificate } = status
  if (conditions.length === 0) return parseTime(metadata.creationTimestamp!) + undecided
  const ends: Millis[] = []
  for (const { type, lastUpdateTime } of conditions) {
    const isOver = type === 'Denied' || type === 'Failed' || (type === 'Approved' && certificate)
    if (isOver && lastUpdateTime) ends.push(parseTime(lastUpdateTime) + decided)
  }
  const [first] = certificate ? pemBlocks(textOfBase64(certificate)) : []
  if (first !== undefined && conditions.some(({ type }) => type === 'Approved')) {
    ends.push(readCertificate(first.bytes).notAfter)
  }
  return ends.length > 0 ? Math.min(...ends) : undefined
}
