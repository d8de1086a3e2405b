// The names of the provisioners that are simulated, and of the driver of CSI volumes. Called by what stands for them:
// provisioner, attacher and resizer.

/** A driver's name is a domain, so this is another than that of the class `standard`. */
export const csiDriver = 'csi.kubesim.dev'
/** kind's, which waits for a pod and keeps its volume on the pod's node. */
export const localPathProvisioner = 'rancher.io/local-path'

/** Ours, and those of minikube and kind: what is written for them finds its volumes here. */
const provisioners = ['kubesim.dev/simulated', csiDriver, 'k8s.io/minikube-hostpath', localPathProvisioner]

export function isSimulatedProvisioner(name: string | undefined): boolean {
  return name !== undefined && provisioners.includes(name)
}
