// Versions: kubesim's own, from package.json, and that of the Kubernetes API it serves.

import manifest from '../package.json' with { type: 'json' }

export const version: string = manifest.version
