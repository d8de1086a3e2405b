// The files of an image, as a layer over its base: its commands, its own files, the folders it works in. Made when a machine
// of it is first made, and the same object ever after, so that all containers of an image share one tree.

import { alpineLayer, busyboxLayer, debianLayer } from '../machine/files/base-layers.ts'
import type { Layer, LayerEntry } from '../machine/files/layer.ts'
import type { Base, Image } from './image.ts'

const release = (facts: Readonly<Record<string, string>>): string =>
  Object.entries(facts)
    .map(([name, value]) => `${name}=${/^[\w.]+$/.test(value) ? value : JSON.stringify(value)}\n`)
    .join('')

const ubuntuLayer: Layer = {
  over: debianLayer,
  files: {
    '/etc/os-release': release({
      PRETTY_NAME: 'Ubuntu 24.04.3 LTS',
      NAME: 'Ubuntu',
      VERSION_ID: '24.04',
      VERSION: '24.04.3 LTS (Noble Numbat)',
      VERSION_CODENAME: 'noble',
      ID: 'ubuntu',
      ID_LIKE: 'debian',
      HOME_URL: 'https://www.ubuntu.com/',
    }),
    '/etc/debian_version': 'trixie/sid\n',
    '/etc/issue': 'Ubuntu 24.04.3 LTS \\n \\l\n\n',
  },
}

const fedoraLayer: Layer = {
  over: debianLayer,
  files: {
    '/etc/os-release': release({
      NAME: 'Fedora Linux',
      VERSION: '42 (Container Image)',
      ID: 'fedora',
      VERSION_ID: '42',
      PRETTY_NAME: 'Fedora Linux 42 (Container Image)',
    }),
    '/etc/issue': '\\S\nKernel \\r on \\m (\\l)\n\n',
    '/usr/bin/curl': { program: 'curl' },
  },
}

/** What a runtime makes in an image that has nothing but its program. */
const emptyLayer: Layer = {
  files: {
    '/dev': { directory: true },
    '/etc': { directory: true },
    '/etc/hostname': '',
    '/etc/hosts': '127.0.0.1\tlocalhost\n',
    '/etc/resolv.conf': '',
    '/proc': { directory: true, mode: 0o555 },
    '/sys': { directory: true, mode: 0o555 },
    '/tmp': { directory: true, mode: 0o1777 },
  },
}

const bases: Readonly<Record<Base, Layer>> = {
  busybox: busyboxLayer,
  alpine: alpineLayer,
  debian: debianLayer,
  ubuntu: ubuntuLayer,
  fedora: fedoraLayer,
  none: emptyLayer,
}

/** Of an image nobody knows: most have a shell and a few tools. */
const strangers: Layer = { over: debianLayer, files: { '/usr/bin/curl': { program: 'curl' } } }

const made = new WeakMap<Image, Layer>()

export function layerOf(image: Image | undefined): Layer {
  if (image === undefined) return strangers
  let layer = made.get(image)
  if (layer === undefined) {
    const base = image.base === undefined ? strangers : bases[image.base]
    const own = ownFiles(image)
    layer = Object.keys(own).length === 0 ? base : { over: base, files: own }
    made.set(image, layer)
  }
  return layer
}

function ownFiles({
  base,
  command: [first] = [],
  commands = [],
  workdir,
  files = {},
}: Image): Record<string, LayerEntry> {
  const own: Record<string, LayerEntry> = {}
  if (workdir !== undefined && workdir !== '/') own[workdir] = { directory: true }
  for (const command of commands) {
    const path = command.startsWith('/') ? command : `${base === 'none' ? '' : '/usr/bin'}/${command}`
    const name = path.slice(path.lastIndexOf('/') + 1)
    own[path] = name.endsWith('.sh') ? scriptFor(first) : { program: name === 'bash' || name === 'zsh' ? 'sh' : name }
  }
  for (const [path, entry] of Object.entries(files)) own[path] = entry
  return own
}

/** An entrypoint hands over to what it is given; options alone are those of the image's own command. */
function scriptFor(own: string | undefined): LayerEntry {
  const options = own === undefined ? '' : `case "$1" in -*) set -- ${own} "$@" ;; esac\n`
  return { content: `#!/bin/sh\nset -e\n${options}exec "$@"\n`, mode: 0o755 }
}
