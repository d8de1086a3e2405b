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
  V1alpha1Fault: {
    about:
      'Fault is something that goes wrong on purpose, for a time, so that it can be seen what the cluster makes of it.',
    fields: {
      apiVersion: ['string', 'The version of this schema.'],
      kind: ['string', 'Fault'],
      metadata: ['V1ObjectMeta', "Standard object's metadata."],
      'spec!': ['V1alpha1FaultSpec', 'What goes wrong, and when.'],
      status: ['V1alpha1FaultStatus', 'What it has done so far.'],
    },
  },
  V1alpha1FaultList: {
    about: 'FaultList is a list of Faults.',
    fields: {
      apiVersion: ['string', 'The version of this schema.'],
      'items!': ['Array<V1alpha1Fault>', 'The Faults.'],
      kind: ['string', 'FaultList'],
      metadata: ['V1ListMeta', "Standard list's metadata."],
    },
  },
  V1alpha1FaultSpec: {
    about: 'FaultSpec is what goes wrong, one thing or several at once, and when.',
    fields: {
      after: ['string', "How long after the object's creation it begins, by the cluster's clock. Default: 0s."],
      duration: ['string', 'For how long. Default: until the object is deleted.'],
      every: ['string', 'It begins again so long after each beginning; longer than duration. Default: it does not.'],
      nodes: ['V1alpha1FaultNodes', 'Nodes that are not well.'],
      api: ['V1alpha1FaultApi', 'Requests that are slow, or fail.'],
      watches: ['V1alpha1FaultWatches', 'Watches that end, or are late.'],
      partition: ['V1alpha1FaultPartition', 'Two parties between whom nothing gets through, or slowly.'],
      store: ['V1alpha1FaultStore', 'The store of the API server takes nothing more.'],
      component: ['V1alpha1FaultComponent', 'A component that stands still, or begins anew.'],
      pulls: ['V1alpha1FaultPulls', 'Images that cannot be pulled.'],
    },
  },
  V1alpha1FaultNodes: {
    about: 'FaultNodes are nodes that are not well.',
    fields: {
      'names!': ['Array<string>', 'The nodes.'],
      effect: [
        'string',
        'Dead: as if the machines were switched off; CutOff: what runs there goes on, but their kubelets cannot reach the API server; Gone: the machines are taken away, and their Nodes with them, until they are brought back; Slow: pulls, starts and stops take factor times as long; DiskFull: nothing is left of their disks; Skewed: their clocks are off by skew. Default: Dead.',
      ],
      factor: ['number', 'Of slow nodes. Default: 10.'],
      skew: ['string', "How far ahead their clocks are, '5m', or behind, '-30s'. Required of skewed nodes."],
    },
  },
  V1alpha1FaultApi: {
    about: 'FaultApi chooses requests, all that are not named by anything else, and says what becomes of them.',
    fields: {
      users: [
        'Array<string>',
        "Of these users only; components inside the cluster are 'system:' and their name. Default: all.",
      ],
      verbs: ['Array<string>', 'get, list, watch, create, update, patch, delete, deletecollection. Default: all.'],
      resources: [
        'Array<string>',
        "Such as 'pods', 'pods/status', 'deployments.apps'. Default: all but those of this group.",
      ],
      namespaces: ['Array<string>', 'In these namespaces only. Default: all.'],
      percent: ['number', 'Of a hundred requests so many. Default: 100.'],
      latency: ['string', 'How much longer they take. Default: 0s.'],
      code: ['number', 'With which they fail: 403, 409, 410, 429, 500, 503, 504. Default: they do not.'],
      message: ['string', 'What the answer says.'],
    },
  },
  V1alpha1FaultWatches: {
    about: 'FaultWatches are watches that end: once, and as long as the fault lasts again and again; or that are late.',
    fields: {
      resources: ['Array<string>', 'Of these only. Default: all.'],
      delay: ['string', 'What they tell comes so much later. Then they do not end, unless every says so.'],
      every: ['string', 'How long until they are ended again. Default: once, when the fault begins.'],
    },
  },
  V1alpha1FaultPartition: {
    about: 'FaultPartition is between two parties: by default nothing gets through.',
    fields: {
      'between!': ['Array<V1alpha1FaultParty>', 'The two.'],
      oneWay: ['boolean', 'Only from the first to the second. Default: both ways.'],
      latency: ['string', 'It does get through, so much later. Default: it does not.'],
      loss: ['number', 'It does get through, but for so many packets of a hundred.'],
    },
  },
  V1alpha1FaultParty: {
    about: 'FaultParty is an end of a partition. Nothing said is everywhere.',
    fields: {
      nodes: ['Array<string>', 'These nodes, with their kubelets and all pods on them.'],
      namespace: ['string', 'Pods of this namespace.'],
      podSelector: ['V1LabelSelector', 'Pods that have these labels.'],
      apiServer: ['boolean', 'The API server and what is with it.'],
    },
  },
  V1alpha1FaultStore: {
    about: 'FaultStore is what ails the store.',
    fields: {
      effect: ['string', 'Full: as etcd with its NOSPACE alarm, it only reads and removes. Default: Full.'],
    },
  },
  V1alpha1FaultComponent: {
    about: 'FaultComponent is a component that stands still, or begins anew.',
    fields: {
      'name!': [
        'string',
        "controllers, scheduler, kubelet or proxy; or one controller, such as 'deployment-controller'.",
      ],
      effect: ['string', 'Stopped, or Restarted: in the midst of its work, when the fault begins. Default: Stopped.'],
    },
  },
  V1alpha1FaultPulls: {
    about: 'FaultPulls are images that cannot be pulled.',
    fields: {
      images: [
        'Array<string>',
        "By name: 'nginx' stands for every tag of it, 'nginx:1.27' for that one, '*' for all. Default: all.",
      ],
      message: ['string', 'What the kubelet is told.'],
    },
  },
  V1alpha1FaultStatus: {
    about: 'FaultStatus is what a fault has done so far.',
    fields: {
      phase: ['string', 'Waiting, Active or Over.'],
      startedAt: ['Date', 'When it last began.'],
      endedAt: ['Date', 'When it last ended.'],
      times: ['number', 'How often it began.'],
      struck: ['number', 'How many requests, watches, nodes, components and pulls it has hit.'],
      lastStruck: ['string', 'The last of them.'],
      message: ['string', 'Why it can do nothing, if so.'],
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

export const ownServedModels: readonly ServedModel[] = [
  'V1alpha1Image',
  'V1alpha1ImageList',
  'V1alpha1Fault',
  'V1alpha1FaultList',
].map(model => ({
  model,
  group,
  version,
}))
