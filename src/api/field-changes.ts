// What changed between two states of an object, field by field, for people: the timeline, `kubesim diff` and `kubesim why`.
// Pure. Elements of lists are told apart by what names them, as far as something does.

export interface FieldChange {
  /** `spec.template.spec.containers[name=web].image` */
  readonly path: string
  /** Absent: it was not there. */
  readonly before?: unknown
  /** Absent: it is not there any more. */
  readonly after?: unknown
}

/** What changes with every write, and says nothing by itself. */
const unsaid: ReadonlySet<string> = new Set([
  'metadata.resourceVersion',
  'metadata.managedFields',
  'metadata.generation',
])
/** By what the elements of a list are named, the first that names them all. */
const names = ['name', 'type', 'key', 'uid', 'ip', 'containerPort', 'port', 'topologyKey', 'devicePath', 'manager']

export function fieldChanges(before: unknown, after: unknown): FieldChange[] {
  const changes: FieldChange[] = []
  walk('', before, after, changes)
  return changes
}

/** Those that say something: times and observations that go with a change do not, beside it. */
export function tellingChanges(changes: readonly FieldChange[]): readonly FieldChange[] {
  const telling = changes.filter(({ path }) => !silent.test(path))
  return telling.length > 0 ? telling : changes
}

const silent = /\.(observedGeneration|lastTransitionTime|lastUpdateTime|lastProbeTime|lastHeartbeatTime)$/

/** `status.phase: "Pending" -> "Running"`, a line each; of what is long only its beginning. */
export function changeText({ path, ...change }: FieldChange, longest = 80): string {
  const shown = (value: unknown): string => cut(conditionText(value) ?? JSON.stringify(value), longest)
  if (!('before' in change)) return `${path}: ${shown(change.after)}`
  if (!('after' in change)) return `${path}: ${shown(change.before)} -> (gone)`
  return `${path}: ${shown(change.before)} -> ${shown(change.after)}`
}

/** `True (Reason)`, and of a list of conditions `PodScheduled True`. */
function conditionText(value: unknown): string | undefined {
  if (Array.isArray(value) && value.length > 0 && value.every(isCondition)) {
    return value.map(({ type, status }) => `${type} ${status}`).join(', ')
  }
  if (!isCondition(value)) return undefined
  return value.reason ? `${value.status} (${value.reason})` : value.status
}

function isCondition(value: unknown): value is { type: string; status: string; reason?: string } {
  return isMap(value) && typeof value.type === 'string' && typeof value.status === 'string'
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`
}

function walk(path: string, before: unknown, after: unknown, changes: FieldChange[]): void {
  if (before === after || unsaid.has(path)) return
  if (Array.isArray(before) && Array.isArray(after)) {
    walkLists(path, before, after, changes)
    return
  }
  if (isMap(before) && isMap(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      walk(join(path, key), before[key], after[key], changes)
    }
    return
  }
  changes.push({
    path,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  })
}

function walkLists(path: string, before: readonly unknown[], after: readonly unknown[], changes: FieldChange[]): void {
  const name = names.find(each => isNamedBy(before, each) && isNamedBy(after, each))
  if (name === undefined) {
    for (let at = 0; at < Math.max(before.length, after.length); at++) {
      walk(`${path}[${at}]`, before[at], after[at], changes)
    }
    return
  }
  const old = new Map(before.map(each => [(each as Fields)[name], each]))
  const now = new Map(after.map(each => [(each as Fields)[name], each]))
  for (const value of new Set([...old.keys(), ...now.keys()])) {
    walk(`${path}[${name}=${String(value)}]`, old.get(value), now.get(value), changes)
  }
}

function isNamedBy(list: readonly unknown[], name: string): boolean {
  const values = list.map(each => (isMap(each) ? each[name] : undefined))
  return !values.includes(undefined) && new Set(values).size === values.length
}

type Fields = Readonly<Record<string, unknown>>

const isMap = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

function join(path: string, key: string): string {
  const word = /^[\w-]+$/.test(key) ? key : `"${key}"`
  return path === '' ? word : `${path}.${word}`
}
