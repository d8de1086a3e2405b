// As whom a component's writes are noted in managedFields: by the name of the program that it is part of in Kubernetes.
// Called by both clients.

export function managerOf(component: string): string {
  return component.endsWith('-controller') ? 'kube-controller-manager' : component
}
