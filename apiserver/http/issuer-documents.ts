// What tells others whom to believe: the cluster as an issuer of OpenID tokens, and its keys. Called by plain-pages.ts.
// Upstream: pkg/routes/openidmetadata.go.

export interface IssuerDocuments {
  /** `server`: where the API server is reached. */
  configuration(server: string): object
  keySet(): object
}

export function issuerDocument(
  path: string,
  issuer: IssuerDocuments | undefined,
  host: string | undefined,
): { readonly contentType: string; readonly bytes: Buffer } | undefined {
  if (issuer === undefined) return undefined
  switch (path) {
    case '/.well-known/openid-configuration':
      return documentOf('application/json', issuer.configuration(`https://${host ?? 'localhost'}`))
    case '/openid/v1/jwks':
      return documentOf('application/jwk-set+json', issuer.keySet())
  }
  return undefined
}

const documentOf = (contentType: string, content: object) => ({
  contentType,
  bytes: Buffer.from(JSON.stringify(content)),
})
