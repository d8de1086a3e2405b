// The names of the provisioners that are simulated, and of the driver of CSI volumes. Called by what stands for them:
// provisioner, attacher and resizer.

export const hostPathProvisioner = 'kubesim.dev/simulated'
/** A driver's name is a domain, so this is another than that of the class `standard`. */
export const csiDriver = 'csi.kubesim.dev'

export function isSimulatedProvisioner(name: string | undefined): boolean {
  return name === hostPathProvisioner || name === csiDriver
}
