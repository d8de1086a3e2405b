// What the user of a request may do: `authorizer.group("apps").resource("deployments").check("get").allowed()`.
// Upstream: k8s.io/apiserver/pkg/cel/library/authz.go.

import type { Environment } from '@marcbachmann/cel-js'

export interface AuthorizerDecision {
  readonly allowed: boolean
  readonly reason: string
}

export interface AuthorizerQuestion {
  readonly path?: string
  readonly group?: string
  readonly resource?: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
  readonly fieldSelector?: string
  readonly labelSelector?: string
  readonly verb: string
  /** `system:serviceaccount:NS:NAME` when another than the request's own user is meant. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string }
}

/** Given as the variable `authorizer`. */
export class CelAuthorizer {
  readonly decide: (question: AuthorizerQuestion) => AuthorizerDecision
  readonly serviceAccount: AuthorizerQuestion['serviceAccount']

  constructor(
    decide: (question: AuthorizerQuestion) => AuthorizerDecision,
    serviceAccount?: AuthorizerQuestion['serviceAccount'],
  ) {
    this.decide = decide
    this.serviceAccount = serviceAccount
  }
}

class PathCheck {
  readonly authorizer: CelAuthorizer
  readonly path: string

  constructor(authorizer: CelAuthorizer, path: string) {
    this.authorizer = authorizer
    this.path = path
  }
}

class ResourceCheck {
  readonly authorizer: CelAuthorizer
  readonly about: Omit<AuthorizerQuestion, 'verb'>

  constructor(authorizer: CelAuthorizer, about: Omit<AuthorizerQuestion, 'verb'>) {
    this.authorizer = authorizer
    this.about = about
  }

  with(more: Partial<AuthorizerQuestion>): ResourceCheck {
    return new ResourceCheck(this.authorizer, { ...this.about, ...more })
  }
}

class GroupCheck {
  readonly authorizer: CelAuthorizer
  readonly group: string

  constructor(authorizer: CelAuthorizer, group: string) {
    this.authorizer = authorizer
    this.group = group
  }
}

class Decided {
  readonly decision: AuthorizerDecision

  constructor(decision: AuthorizerDecision) {
    this.decision = decision
  }
}

const authorizer = 'kubernetes.authorization.Authorizer'
const path = 'kubernetes.authorization.PathCheck'
const group = 'kubernetes.authorization.GroupCheck'
const resource = 'kubernetes.authorization.ResourceCheck'
const decision = 'kubernetes.authorization.Decision'

export function registerAuthorizer(environment: Environment): void {
  const asked = (check: CelAuthorizer, question: AuthorizerQuestion): Decided => {
    const account = check.serviceAccount
    return new Decided(check.decide({ ...question, ...(account ? { serviceAccount: account } : {}) }))
  }
  environment
    .registerType(authorizer, CelAuthorizer)
    .registerType(path, PathCheck)
    .registerType(group, GroupCheck)
    .registerType(resource, ResourceCheck)
    .registerType(decision, Decided)
    .registerFunction(`${authorizer}.path(string): ${path}`, (check: CelAuthorizer, text: string) => {
      if (text === '') throw new Error('path must not be empty')
      return new PathCheck(check, text)
    })
    .registerFunction(
      `${authorizer}.group(string): ${group}`,
      (check: CelAuthorizer, name: string) => new GroupCheck(check, name),
    )
    .registerFunction(
      `${authorizer}.serviceAccount(string, string): ${authorizer}`,
      (check: CelAuthorizer, namespace: string, name: string) => new CelAuthorizer(check.decide, { namespace, name }),
    )
    .registerFunction(
      `${group}.resource(string): ${resource}`,
      (check: GroupCheck, name: string) => new ResourceCheck(check.authorizer, { group: check.group, resource: name }),
    )
    .registerFunction(`${resource}.subresource(string): ${resource}`, (check: ResourceCheck, subresource: string) =>
      check.with({ subresource }),
    )
    .registerFunction(`${resource}.namespace(string): ${resource}`, (check: ResourceCheck, namespace: string) =>
      check.with({ namespace }),
    )
    .registerFunction(`${resource}.name(string): ${resource}`, (check: ResourceCheck, name: string) =>
      check.with({ name }),
    )
    .registerFunction(`${resource}.fieldSelector(string): ${resource}`, (check: ResourceCheck, fieldSelector: string) =>
      check.with({ fieldSelector }),
    )
    .registerFunction(`${resource}.labelSelector(string): ${resource}`, (check: ResourceCheck, labelSelector: string) =>
      check.with({ labelSelector }),
    )
    .registerFunction(`${path}.check(string): ${decision}`, (check: PathCheck, verb: string) =>
      asked(check.authorizer, { path: check.path, verb }),
    )
    .registerFunction(`${resource}.check(string): ${decision}`, (check: ResourceCheck, verb: string) =>
      asked(check.authorizer, { ...check.about, verb }),
    )
    .registerFunction(`${decision}.allowed(): bool`, ({ decision: is }: Decided) => is.allowed)
    .registerFunction(`${decision}.reason(): string`, ({ decision: is }: Decided) => is.reason)
    .registerFunction(`${decision}.errored(): bool`, () => false)
    .registerFunction(`${decision}.error(): string`, () => '')
}
