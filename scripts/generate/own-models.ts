// The models of kinds that are kubesim's own (group kubesim.dev), in the form in which client-models.ts reads those of
// Kubernetes, so that types, schemas, validators and shapes are made of them by the same steps. A field reads
// `name: type` with `!` after a name that is required; types are those of the package, and Quantity.

import type { Model, ServedModel } from './client-models.ts'

const version = 'v1alpha1'
const group = 'kubesim.dev'

interface Declared {
  readonly about: string
  readonly fields: Readonly<Record<string, readonly [type: string, about: string]>>
}

const declared: Readonly<Record<string, Declared>> = {
  V1alpha1Image: {
    about: 'Image says what containers of an image do when they run, and how pulling it goes.',
    fields: {
      apiVersion: ['string', 'The version of this schema.'],
      kind: ['string', 'Image'],
      metadata: ['V1ObjectMeta', "Standard object's metadata."],
      spec: ['V1alpha1ImageSpec', 'What containers of this image do.'],
    },
  },
  V1alpha1ImageList: {
    about: 'ImageList is a list of Images.',
    fields: {
      apiVersion: ['string', 'The version of this schema.'],
      'items!': ['Array<V1alpha1Image>', 'The Images.'],
      kind: ['string', 'ImageList'],
      metadata: ['V1ListMeta', "Standard list's metadata."],
    },
  },
  V1alpha1ImageSpec: {
    about: 'ImageSpec is what is known of an image. All of it may be left out: then it runs until it is stopped.',
    fields: {
      names: [
        'Array<string>',
        "By which pods name it: 'app' stands for every tag of it, 'app:v1' for that one, 'registry.example.com/*' for all of a registry. Default: the object's name.",
      ],
      base: [
        'string',
        "What its files are made from: busybox, alpine, debian, ubuntu, fedora, or none (no shell). Default: debian's shell and tools.",
      ],
      tools: ['Array<string>', 'Commands it has beyond those of its base, such as curl.'],
      entrypoint: ['Array<string>', "Dockerfile's ENTRYPOINT."],
      command: ['Array<string>', "Dockerfile's CMD."],
      env: ['Array<V1alpha1ImageVariable>', "Dockerfile's ENV."],
      workingDir: ['string', "Dockerfile's WORKDIR."],
      user: ['string', "Dockerfile's USER: a number, or a number and a group's after a colon."],
      stopSignal: ['string', "Dockerfile's STOPSIGNAL: what it is told to stop with. Default: SIGTERM."],
      labels: ['{ [key: string]: string; }', "Dockerfile's LABEL; those of kubesim.dev say what a container does."],
      files: ['{ [key: string]: string; }', 'Text files that it has, by absolute path.'],
      size: ['Quantity', 'How big it is: how long a pull takes follows from it. Default: 120M.'],
      ports: ['Array<V1alpha1ImagePort>', 'On which it listens, and what it serves there.'],
      startsAfter: ['string', 'From the start of its process until it listens. Default: 0s.'],
      endsAfter: ['string', 'It ends by itself after so long. Default: never, unless exitCode is set.'],
      exitCode: ['number', 'With which it ends by itself.'],
      exitCodeOnStop: ['number', 'With which it ends when it is told to stop. Default: 0 when it has ports, else 143.'],
      ignoresStop: ['boolean', 'It does not end when it is told to: it is killed when its grace is over.'],
      unhealthyAfter: ['string', 'From then on its probes fail and its HTTP ports answer 500.'],
      usage: [
        'Array<V1alpha1ImageUsage>',
        'What it takes while it runs: points in time, and lines between them. A container that passes its memory limit is killed.',
      ],
      logs: ['Array<V1alpha1ImageLog>', 'What it prints.'],
      pull: ['V1alpha1ImagePull', 'How pulling it goes.'],
    },
  },
  V1alpha1ImageVariable: {
    about: 'ImageVariable is a variable of its environment.',
    fields: { 'name!': ['string', 'Its name.'], value: ['string', 'Its value. Default: empty.'] },
  },
  V1alpha1ImagePort: {
    about: 'ImagePort is a port on which it listens.',
    fields: {
      'port!': ['number', 'The number of the port.'],
      protocol: ['string', 'HTTP, or TCP: connections are taken and nothing is said. Default: HTTP.'],
      routes: ['Array<V1alpha1ImageRoute>', 'What it answers, the most exact first. Default: its name, to everything.'],
    },
  },
  V1alpha1ImageRoute: {
    about: 'ImageRoute is what it answers to some requests.',
    fields: {
      path: ['string', "The path: exactly this one, or all that begin with it when it ends with '*'. Default: all."],
      methods: ['Array<string>', 'Of these methods only. Default: all.'],
      status: ['number', 'The status of the answer. Default: 200.'],
      headers: ['{ [key: string]: string; }', 'Headers of the answer.'],
      body: [
        'string',
        'The text of the answer. $(hostname), $(address), $(node), $(client), $(method), $(path), $(query), $(host), $(headers) and $(request) are filled in.',
      ],
      latency: ['string', 'How long the answer takes. Default: 0s.'],
      errorPercent: ['number', 'Of a hundred requests so many fail. Default: 0.'],
      errorStatus: ['number', 'The status of those that fail. Default: 500.'],
    },
  },
  V1alpha1ImageUsage: {
    about: 'ImageUsage is what it takes at some time after its start.',
    fields: {
      at: ['string', 'How long after the start. Default: 0s.'],
      memory: ['Quantity', 'Its memory then.'],
      cpu: ['Quantity', 'Its processor time then.'],
    },
  },
  V1alpha1ImageLog: {
    about: 'ImageLog is a line that it prints, once or again and again.',
    fields: {
      'text!': ['string', 'The line. $(hostname), $(date), $(iso-time) and the like are filled in.'],
      after: ['string', 'How long after the start it is printed first. Default: 0s.'],
      every: ['string', 'How long until it is printed again. Default: it is not.'],
    },
  },
  V1alpha1ImagePull: {
    about: 'ImagePull is how pulling it goes.',
    fields: {
      duration: ['string', 'How long it takes. Default: as its size has it.'],
      failure: [
        'string',
        'It cannot be pulled: NotFound, Unauthorized, Unavailable, or a message of its own. Default: it can.',
      ],
      private: [
        'boolean',
        'Only who has an imagePullSecret (or an account with one) that names its registry can pull it.',
      ],
    },
  },
}

/** Fields of resource.Quantity are strings of the package's. */
export const ownQuantityFields: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(declared).map(([model, { fields }]) => [
    model,
    Object.entries(fields)
      .filter(([, [type]]) => type === 'Quantity')
      .map(([name]) => name),
  ]),
)

export const ownModels: readonly Model[] = Object.entries(declared).map(([name, { about, fields }]) => ({
  name,
  description: about,
  fields: Object.entries(fields).map(([field, [type, description]]) => ({
    name: field.replace('!', ''),
    type: type === 'Quantity' ? 'string' : type,
    format: type === 'number' ? 'int32' : '',
    isRequired: field.endsWith('!'),
    description,
  })),
}))

export const ownServedModels: readonly ServedModel[] = ['V1alpha1Image', 'V1alpha1ImageList'].map(model => ({
  model,
  group,
  version,
}))
