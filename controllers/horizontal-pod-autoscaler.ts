// HorizontalPodAutoscalers: every fifteen seconds, as many replicas as the metrics ask for, within bounds and rates. The
// arithmetic is in shared/replica-calculator.ts, the rates in shared/scaling-behavior.ts, the metrics come from
// shared/metrics-source.ts. Upstream: pkg/controller/podautoscaler/horizontal.go.

import type {
  LabelSelector,
  Scale,
  V2HorizontalPodAutoscaler,
  V2HorizontalPodAutoscalerStatus,
  V2MetricIdentifier,
  V2MetricSpec,
  V2MetricStatus,
  V2MetricTarget,
  V2MetricValueStatus,
} from '../generated/types.ts'
import { setCondition } from '../src/api/conditions.ts'
import { draft } from '../src/api/freeze.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import { parseLabelSelector, type Selector, selectorFromLabelSelector } from '../src/api/labels.ts'
import type { Frozen } from '../src/api/meta.ts'
import { canonicalQuantity, milliValue } from '../src/api/quantity.ts'
import { rfc3339 } from '../src/api/time.ts'
import type { Client } from '../src/client/client.ts'
import type { Millis } from '../src/env/clock.ts'
import { HorizontalPodAutoscalers } from '../src/kinds/horizontalpodautoscaler.ts'
import type { Kind } from '../src/kinds/kind.ts'
import { Pods } from '../src/kinds/pod.ts'
import { type Context, type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { everyMetric, type MetricsSource, metricsApis } from './shared/metrics-source.ts'
import {
  byAverage,
  byShare,
  byTotal,
  byUtilization,
  type Proposal,
  type Tolerances,
} from './shared/replica-calculator.ts'
import { messageOf } from './shared/replicas.ts'
import { type KindFinder, scalableKinds } from './shared/scalable.ts'
import { decide, remember, type ScalingMemory } from './shared/scaling-behavior.ts'
import { selectorAsGo } from './shared/selectors.ts'

type Autoscaler = Frozen<V2HorizontalPodAutoscaler>

const period = 15_000
const defaultTolerance = 0.1

export interface AutoscalerOptions {
  readonly kinds: readonly Kind<any>[]
  /** Default: the metrics APIs that the API server knows. */
  readonly metrics?: ((client: Client) => MetricsSource) | undefined
}

export function horizontalPodAutoscaler({ kinds, metrics = metricsApis }: AutoscalerOptions): ControllerSpec {
  const findKind = scalableKinds(kinds)
  const kept = new Map<string, Kept>()
  return defineController<V2HorizontalPodAutoscaler>({
    name: 'horizontal-pod-autoscaler-controller',
    source: 'horizontal-pod-autoscaler',
    for: HorizontalPodAutoscalers,
    reads: [Pods],
    workers: 5,
    async start() {
      kept.clear()
    },
    async gone({ namespace, name }) {
      kept.delete(`${namespace}/${name}`)
    },
    async reconcile(autoscaler, context) {
      const { namespace, name, uid } = autoscaler.metadata
      const key = `${namespace}/${name}`
      const now = context.clock.now()
      const known = kept.get(key)
      // A new one is first looked at after a period, as later ones are: nothing is known of its pods before.
      const own: Kept =
        known !== undefined && known.uid === uid
          ? known
          : { uid: uid!, due: now + period, selector: undefined, recommendations: [], ups: [], downs: [] }
      kept.set(key, own)
      if (own.due > now) return { again: own.due - now }
      own.due = now + period
      await new Turn(autoscaler, own, kept, metrics(context.client), findKind, context).run()
      return { again: period }
    },
  })
}

/** What is remembered of an autoscaler from one turn to the next. */
interface Kept extends ScalingMemory {
  readonly uid: string
  due: Millis
  /** Which pods it looks at. */
  selector: Selector | undefined
}

/** What keeps an autoscaler from doing anything this time; it has been told already. */
class Unable extends Error {}

interface Target {
  readonly kind: Kind<any>
  readonly scale: Scale
  readonly current: number
}

/** What a metric asks for, and how it is called when it is the one that counts. */
interface Wish {
  readonly replicas: number
  readonly name: string
  readonly status: V2MetricStatus
}

class Turn {
  readonly #autoscaler: Autoscaler
  readonly #kept: Kept
  readonly #all: ReadonlyMap<string, Kept>
  readonly #metrics: MetricsSource
  readonly #findKind: KindFinder
  readonly #context: Context
  readonly #now: Millis
  readonly #status: V2HorizontalPodAutoscalerStatus

  constructor(
    autoscaler: Autoscaler,
    kept: Kept,
    all: ReadonlyMap<string, Kept>,
    metrics: MetricsSource,
    findKind: KindFinder,
    context: Context,
  ) {
    this.#autoscaler = autoscaler
    this.#kept = kept
    this.#all = all
    this.#metrics = metrics
    this.#findKind = findKind
    this.#context = context
    this.#now = context.clock.now()
    this.#status = draft<V2HorizontalPodAutoscalerStatus>(autoscaler.status)
    this.#status.conditions ??= []
  }

  async run(): Promise<void> {
    try {
      await this.#scale()
    } catch (error) {
      if (!(error instanceof Unable)) throw error
      this.#context.log.debug({ error: error.message }, 'an autoscaler can do nothing now')
    }
    if (jsonEqual(this.#status, this.#autoscaler.status)) return
    const next = { ...this.#autoscaler, status: this.#status }
    await this.#context.client.of(HorizontalPodAutoscalers).updateStatus(next)
  }

  async #scale(): Promise<void> {
    const { spec } = this.#autoscaler
    const target = await this.#findTarget()
    const { current } = target
    if (this.#kept.recommendations.length === 0) this.#kept.recommendations = [{ replicas: current, at: this.#now }]
    setCount(this.#status, current)
    const least = spec.minReplicas ?? 1

    let desired: number
    let reason = ''
    let statuses: V2MetricStatus[] | undefined
    if (current === 0 && least !== 0) {
      const message = 'scaling is disabled since the replica count of the target is zero'
      this.#note('ScalingActive', 'False', 'ScalingDisabled', message)
      this.#setStatus(0, undefined)
      return
    }
    if (current > spec.maxReplicas) {
      desired = spec.maxReplicas
      reason = 'Current number of replicas above Spec.MaxReplicas'
    } else if (current < least) {
      desired = least
      reason = 'Current number of replicas below Spec.MinReplicas'
    } else {
      const wish = await this.#wishes(target)
      statuses = wish.statuses
      const name = wish.replicas > 0 ? wish.name : ''
      if (wish.replicas > current) reason = `${name} above target`
      if (wish.replicas < current) reason = 'All metrics below target'
      const { replicas, stabilized, limited } = decide(this.#autoscaler, current, wish.replicas, this.#kept, this.#now)
      this.#note('AbleToScale', 'True', stabilized.reason, stabilized.message)
      this.#note('ScalingLimited', limited.isLimited ? 'True' : 'False', limited.reason, limited.message)
      desired = replicas
    }
    if (desired !== current) await this.#rescale(target, desired, reason)
    this.#setStatus(desired, statuses)
  }

  #setStatus(desired: number, statuses: V2MetricStatus[] | undefined): void {
    this.#status.desiredReplicas = desired
    if (statuses === undefined) delete this.#status.currentMetrics
    else this.#status.currentMetrics = statuses
  }

  async #findTarget(): Promise<Target> {
    const { apiVersion = '', kind: name, name: target } = this.#autoscaler.spec.scaleTargetRef
    const { namespace } = this.#autoscaler.metadata
    const { client } = this.#context
    try {
      const found = await this.#findKind(apiVersion, name, client)
      if (found === undefined) {
        const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
        throw new Error(`no matches for kind ${JSON.stringify(name)} in group ${JSON.stringify(group)}`)
      }
      const scale = await client.of(found.kind).read<Scale>({ name: target, namespace }, 'scale')
      const message = "the HPA controller was able to get the target's current scale"
      this.#note('AbleToScale', 'True', 'SucceededGetScale', message)
      return { kind: found.kind, scale, current: scale.spec?.replicas ?? 0 }
    } catch (error) {
      const why = messageOf(error)
      this.#event('FailedGetScale', why)
      const message = `the HPA controller was unable to get the target's current scale: ${why}`
      this.#note('AbleToScale', 'False', 'FailedGetScale', message)
      throw new Unable(why)
    }
  }

  async #rescale({ kind, scale, current }: Target, desired: number, reason: string): Promise<void> {
    const { namespace } = this.#autoscaler.metadata
    const ref = { name: this.#autoscaler.spec.scaleTargetRef.name, namespace }
    try {
      const body = { ...scale, spec: { ...scale.spec, replicas: desired } }
      await this.#context.client.of(kind).act(ref, 'scale', body, 'PUT')
    } catch (error) {
      const why = messageOf(error)
      this.#event('FailedRescale', `New size: ${desired}; reason: ${reason}; error: ${why}`)
      const message = `the HPA controller was unable to update the target scale: ${why}`
      this.#note('AbleToScale', 'False', 'FailedUpdateScale', message)
      throw new Unable(why)
    }
    const message = `the HPA controller was able to update the target scale to ${desired}`
    this.#note('AbleToScale', 'True', 'SucceededRescale', message)
    const said = `New size: ${desired}; reason: ${reason}`
    this.#context.event(this.#autoscaler, 'Normal', 'SuccessfulRescale', said)
    remember(this.#autoscaler, current, desired, this.#kept, this.#now)
    this.#status.lastScaleTime = rfc3339(this.#now)
  }

  #note(type: string, status: string, reason: string, message: string): void {
    setCondition(this.#status.conditions!, { type, status, reason, message }, this.#now)
  }

  #event(reason: string, message: string): void {
    this.#context.event(this.#autoscaler, 'Warning', reason, message)
  }

  // ---- what the metrics ask for

  /** The most that any of them asks for; if one cannot be had, only more than now (computeReplicasForMetrics). */
  async #wishes(target: Target): Promise<{ replicas: number; name: string; statuses: V2MetricStatus[] }> {
    const selector = this.#podSelector(target)
    const specs = this.#autoscaler.spec.metrics ?? []
    const statuses: V2MetricStatus[] = []
    let best: Wish | undefined
    let failed = 0
    let first: Failure | undefined
    for (const spec of specs) {
      try {
        const wish = await this.#wish(spec, target, selector)
        statuses.push(wish.status)
        if (best === undefined || best.replicas === 0 || wish.replicas > best.replicas) best = wish
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        statuses.push({ type: '' })
        failed++
        first ??= error
        this.#event(error.reason, error.why)
      }
    }
    if (first !== undefined && (best === undefined || best.replicas < target.current)) {
      const message = `the HPA was unable to compute the replica count: ${first.why}`
      this.#note('ScalingActive', 'False', first.reason, message)
      const said = `invalid metrics (${failed} invalid out of ${specs.length}), first error is: ${first.message}`
      this.#event('FailedComputeMetricsReplicas', said)
      throw new Unable(said)
    }
    const { replicas, name } = best ?? { replicas: 0, name: '' }
    const message = `the HPA was able to successfully calculate a replica count from ${name}`
    this.#note('ScalingActive', 'True', 'ValidMetricFound', message)
    return { replicas, name, statuses }
  }

  /** The target's pods, which must not be another autoscaler's too. */
  #podSelector({ scale }: Target): Selector {
    const text = scale.status?.selector ?? ''
    if (text === '') {
      this.#event('SelectorRequired', 'selector is required')
      this.#note('ScalingActive', 'False', 'InvalidSelector', "the HPA target's scale is missing a selector")
      throw this.#failedToCompute('selector is required')
    }
    const selector = parseLabelSelector(text)
    this.#kept.selector = selector
    const { namespace } = this.#autoscaler.metadata
    const pods = this.#context.lister(Pods).list({ namespace, matches: labels => selector.matches(labels) })
    const rivals = [...this.#all]
      .filter(([key]) => key.startsWith(`${namespace}/`))
      .filter(([, { selector: own }]) => own && pods.some(({ metadata }) => own.matches(metadata.labels)))
      .map(([key]) => `{${key.slice(namespace!.length + 1)} ${namespace}}`)
    if (rivals.length > 1) {
      const message = `pods by selector ${text} are controlled by multiple HPAs: [${rivals.sort().join(' ')}]`
      this.#event('AmbiguousSelector', message)
      this.#note('ScalingActive', 'False', 'AmbiguousSelector', message)
      throw this.#failedToCompute(message)
    }
    return selector
  }

  #failedToCompute(message: string): Unable {
    this.#event('FailedComputeMetricsReplicas', message)
    return new Unable(message)
  }

  #wish(spec: Frozen<V2MetricSpec>, target: Target, selector: Selector): Promise<Wish> {
    switch (spec.type) {
      case 'Resource': {
        const { name, target: wanted } = spec.resource!
        const failure = ['FailedGetResourceMetric', `failed to get ${name} resource metric value`] as const
        return failing(...failure, async () => {
          const { current, ...wish } = await this.#resource(name, undefined, wanted, target, selector)
          return { ...wish, status: { type: 'Resource', resource: { name, current } } }
        })
      }
      case 'ContainerResource': {
        const { name, container, target: wanted } = spec.containerResource!
        const failure = ['FailedGetContainerResourceMetric', `failed to get ${name} container metric value`] as const
        return failing(...failure, async () => {
          const { current, ...wish } = await this.#resource(name, container, wanted, target, selector)
          return { ...wish, status: { type: 'ContainerResource', containerResource: { name, container, current } } }
        })
      }
      case 'Pods':
        return failing('FailedGetPodsMetric', 'failed to get pods metric value', () =>
          this.#pods(spec.pods!, target, selector),
        )
      case 'Object':
        return failing('FailedGetObjectMetric', 'failed to get object metric value', () =>
          this.#object(spec.object!, target, selector),
        )
      case 'External': {
        const what = `failed to get ${spec.external!.metric.name} external metric value`
        return failing('FailedGetExternalMetric', what, () => this.#external(spec.external!, target, selector))
      }
      default:
        throw new Failure(
          'InvalidMetricSourceType',
          undefined,
          `unknown metric source type ${JSON.stringify(spec.type)}`,
        )
    }
  }

  async #resource(
    name: string,
    container: string | undefined,
    wanted: Frozen<V2MetricTarget>,
    target: Target,
    selector: Selector,
  ): Promise<{ replicas: number; name: string; current: V2MetricValueStatus }> {
    const { namespace } = this.#autoscaler.metadata
    const { averageValue, averageUtilization } = wanted
    if (averageValue === undefined && averageUtilization === undefined) {
      throw new Error(
        'invalid resource metric source: neither an average utilization target nor an average value (usage) target was set',
      )
    }
    const what = averageValue === undefined ? 'utilization' : 'usage'
    const samples = await saying(`failed to get ${name} ${what}: unable to get metrics for resource ${name}`, () =>
      this.#metrics.resource(name, namespace!, selector, container),
    )
    const at = { pods: this.#podsOf(selector), now: this.#now }
    const { replicas, usage, utilization } = await saying(`failed to get ${name} ${what}`, async () =>
      averageValue === undefined
        ? byUtilization(target.current, averageUtilization!, name, container, samples, at, this.#tolerances)
        : byAverage(target.current, milliValue(averageValue), name, samples, at, this.#tolerances),
    )
    const current = {
      ...(utilization === undefined ? {} : { averageUtilization: utilization }),
      averageValue: milli(usage),
    }
    if (averageValue !== undefined) return { replicas, name: `${name} resource`, current }
    const kind = container === undefined ? 'resource' : 'container resource'
    return { replicas, name: `${name} ${kind} utilization (percentage of request)`, current }
  }

  async #pods(
    { metric, target: wanted }: Frozen<NonNullable<V2MetricSpec['pods']>>,
    target: Target,
    selector: Selector,
  ): Promise<Wish> {
    const { namespace } = this.#autoscaler.metadata
    const samples = await saying(`unable to get metric ${metric.name}`, () =>
      this.#metrics.pods(metric.name, namespace!, selector, metricSelector(metric.selector)),
    )
    const at = { pods: this.#podsOf(selector), now: this.#now }
    const average = milliValue(wanted.averageValue!)
    const { replicas, usage } = byAverage(target.current, average, undefined, samples, at, this.#tolerances)
    const current = { averageValue: milli(usage) }
    return {
      replicas,
      name: `pods metric ${metric.name}`,
      status: { type: 'Pods', pods: { metric: draft<V2MetricIdentifier>(metric), current } },
    }
  }

  async #object(spec: Frozen<NonNullable<V2MetricSpec['object']>>, target: Target, selector: Selector): Promise<Wish> {
    const { metric, describedObject, target: wanted } = spec
    const { namespace } = this.#autoscaler.metadata
    const read = (): Promise<number> =>
      saying(`unable to get metric ${metric.name}`, () =>
        this.#metrics.object(metric.name, namespace!, describedObject, metricSelector(metric.selector)),
      ).catch(error => {
        // Upstream puts the error and the place into the sentence the wrong way round.
        const why = messageOf(error).slice(`unable to get metric ${metric.name}: `.length)
        throw new Error(
          `unable to get metric ${metric.name}: ${describedObject.kind} on ${namespace} ${describedObject.name}/${why}`,
        )
      })
    const told = (replicas: number, name: string, current: V2MetricValueStatus): Wish => ({
      replicas,
      name,
      status: {
        type: 'Object',
        object: { metric: draft<V2MetricIdentifier>(metric), describedObject: draft(describedObject), current },
      },
    })
    if (wanted.type === 'Value') {
      const total = await read()
      const replicas = byTotal(
        target.current,
        total,
        milliValue(wanted.value!),
        this.#podsOf(selector),
        this.#tolerances,
      )
      return told(replicas, `${describedObject.kind} metric ${metric.name}`, { value: milli(total) })
    }
    if (wanted.type === 'AverageValue') {
      const share = await saying(`failed to get ${metric.name} object metric`, async () => {
        const total = await read()
        return byShare(target.scale.status?.replicas ?? 0, total, milliValue(wanted.averageValue!), this.#tolerances)
      })
      return told(share.replicas, averagedName(metric), { averageValue: milli(share.usage) })
    }
    throw new Error(`invalid object metric source: neither a value target nor an average value target was set`)
  }

  async #external(
    spec: Frozen<NonNullable<V2MetricSpec['external']>>,
    target: Target,
    selector: Selector,
  ): Promise<Wish> {
    const { metric, target: wanted } = spec
    const { namespace } = this.#autoscaler.metadata
    const place = `${namespace}/${metric.name}/${selectorAsGo(metric.selector)}`
    const read = async (): Promise<number> => {
      const values = await saying(`unable to get external metric ${place}`, () =>
        this.#metrics.external(metric.name, namespace!, metricSelector(metric.selector)),
      )
      return values.reduce((sum, value) => sum + value, 0)
    }
    const told = ({ replicas }: { replicas: number }, current: V2MetricValueStatus): Wish => ({
      replicas,
      name: averagedName(metric),
      status: { type: 'External', external: { metric: draft<V2MetricIdentifier>(metric), current } },
    })
    if (wanted.averageValue !== undefined) {
      const average = milliValue(wanted.averageValue)
      const share: Proposal = await saying(`failed to get ${metric.name} external metric`, async () =>
        byShare(target.scale.status?.replicas ?? 0, await read(), average, this.#tolerances),
      )
      return told(share, { averageValue: milli(share.usage) })
    }
    if (wanted.value === undefined) {
      throw new Error('invalid external metric source: neither a value target nor an average value target was set')
    }
    const asked = milliValue(wanted.value)
    return saying(`failed to get external metric ${metric.name}`, async () => {
      const total = await read()
      const replicas = byTotal(target.current, total, asked, this.#podsOf(selector), this.#tolerances)
      return told({ replicas }, { value: milli(total) })
    })
  }

  #podsOf(selector: Selector) {
    const { namespace } = this.#autoscaler.metadata
    return this.#context.lister(Pods).list({ namespace, matches: labels => selector.matches(labels) })
  }

  get #tolerances(): Tolerances {
    const { scaleUp, scaleDown } = this.#autoscaler.spec.behavior ?? {}
    const told = (tolerance: string | undefined): number =>
      tolerance === undefined ? defaultTolerance : milliValue(tolerance) / 1000
    return { up: told(scaleUp?.tolerance), down: told(scaleDown?.tolerance) }
  }
}

/** Why a metric says nothing: as a condition has it, and with what it is about before it. */
class Failure extends Error {
  readonly reason: string
  readonly why: string

  constructor(reason: string, what: string | undefined, why: string) {
    super(what === undefined ? why : `${what}: ${why}`)
    this.reason = reason
    this.why = why
  }
}

async function failing(reason: string, what: string, compute: () => Promise<Wish>): Promise<Wish> {
  try {
    return await compute()
  } catch (error) {
    throw new Failure(reason, what, messageOf(error))
  }
}

async function saying<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw new Error(`${what}: ${messageOf(error)}`, { cause: error })
  }
}

/** A zero is left out, as Go's JSON has it. */
function setCount(status: V2HorizontalPodAutoscalerStatus, current: number): void {
  if (current > 0) status.currentReplicas = current
  else delete status.currentReplicas
}

const milli = (value: number): string => canonicalQuantity(`${value}m`)

const metricSelector = (selector: Frozen<LabelSelector> | undefined): Selector =>
  selector === undefined ? everyMetric : selectorFromLabelSelector(selector)

const averagedName = (metric: Frozen<{ name: string; selector?: LabelSelector }>): string =>
  `external metric ${metric.name}(${selectorAsGo(metric.selector)})`
