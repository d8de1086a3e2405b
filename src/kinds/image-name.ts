// The name of a container image, in the grammar of github.com/distribution/reference. Read for the default pull policy
// and by whoever pulls: a name that does not parse is what a kubelet reports as InvalidImageName.

export interface ImageName {
  /** `docker.io/library/nginx`, `quay.io/team/app`. */
  readonly repository: string
  /** `latest` when neither tag nor digest is given. */
  readonly tag: string
  readonly digest: string
}

const reference =
  /^((?:(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)(?::([\w][\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$/

export function parseImageName(image: string): ImageName | undefined {
  const match = reference.exec(image)
  if (!match) return undefined
  const name = match[1] ?? ''
  if (/^[0-9a-f]{64}$/.test(name)) return undefined
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  const isDomain = slash >= 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase())
  const path = isDomain ? name.slice(slash + 1) : name
  const domain = isDomain ? (first === 'index.docker.io' ? 'docker.io' : first) : 'docker.io'
  const official = domain === 'docker.io' && !path.includes('/')
  const digest = match[3] ?? ''
  return {
    repository: `${domain}/${official ? `library/${path}` : path}`,
    tag: match[2] ?? (digest === '' ? 'latest' : ''),
    digest,
  }
}
