// explore: one test under many orders of events. Every run has a seed of its own, from which come the cluster's chance and what
// befalls its components: news that reaches them late, writes that meet a conflict. What fails is tried again with
// fewer and fewer of these, and reported with the seed and the few that it takes.
//
//   await explore({ seeds: 500 }, async cluster => { … })

import type { Client } from '../client/client.ts'
import { type TestCluster, type TestClusterOptions, testCluster, type Way } from './cluster.ts'
import { type Disturbance, type DisturbanceOptions, Disturbances, type Plan } from './disturbances.ts'
import { later } from './later.ts'

/** How many runs, and how much befalls the components; else as of `testCluster`. */
export interface ExploreOptions extends Omit<TestClusterOptions, 'seed' | 'way'>, DisturbanceOptions {
  /** How many runs. Default: 100. */
  readonly seeds?: number
  /** The first of them: to run one again, with `seeds: 1`. Default: 1. */
  readonly firstSeed?: number
}

/** A failure with the least that brings it about. */
export class ExplorationError extends Error {
  override readonly name = 'ExplorationError'
  readonly seed: number
  /** What befell the components, in order. */
  readonly disturbances: readonly string[]

  constructor(seed: number, disturbances: readonly string[], history: readonly string[], cause: unknown) {
    const told = cause instanceof Error ? cause.message : String(cause)
    const list = disturbances.map(each => `  ${each}\n`).join('') || '  nothing: the seed alone\n'
    const tail = history
      .slice(-25)
      .map(line => `  ${line}\n`)
      .join('')
    super(`seed ${seed}: ${told}\n\nwhat befell the components:\n${list}\nthe end of its history:\n${tail}`, { cause })
    this.seed = seed
    this.disturbances = disturbances
  }
}

/** Resolves when every run has passed; rejects with an ExplorationError for the first seed that has not. */
export async function explore(options: ExploreOptions, test: (cluster: TestCluster) => Promise<void>): Promise<void> {
  const { seeds = 100, firstSeed = 1 } = options
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const failed = await run(seed, 'drawn', options, test)
    if (failed !== undefined) throw await smallest(seed, failed, options, test)
  }
}

interface Failed {
  readonly error: unknown
  readonly disturbances: readonly Disturbance[]
  readonly history: readonly string[]
}

async function run(
  seed: number,
  plan: Plan,
  options: ExploreOptions,
  test: (cluster: TestCluster) => Promise<void>,
): Promise<Failed | undefined> {
  const disturbances = new Disturbances(seed, plan, options)
  let client: Client | undefined
  const way: Way = {
    quiet: 1,
    client: later(() => client!),
    async open({ client: direct, env }) {
      client = disturbances.wrap(direct, env)
      return { close: async () => {} }
    },
  }
  await using cluster = await testCluster({ ...options, seed, way })
  disturbances.begin()
  try {
    await test(cluster)
    return undefined
  } catch (error) {
    return { error, disturbances: [...disturbances.done], history: cluster.history.lines() }
  } finally {
    disturbances.end()
  }
}

/** How often at most it is tried with fewer. */
const mostTries = 80

/** With which it still fails: halves, quarters, … and in the end each alone are left out, as long as it fails without. */
async function smallest(
  seed: number,
  first: Failed,
  options: ExploreOptions,
  test: (cluster: TestCluster) => Promise<void>,
): Promise<ExplorationError> {
  let found = first
  let tries = 0
  const failsWith = async (plan: readonly Disturbance[]): Promise<boolean> => {
    tries++
    const failed = await run(seed, plan, options, test)
    if (failed !== undefined) found = failed
    return failed !== undefined
  }
  let left: readonly Disturbance[] = first.disturbances
  // Most failures take none of them, or one of the last.
  if (left.length > 0 && (await failsWith([]))) left = []
  for (
    let size = Math.ceil(left.length / 2);
    size >= 1 && left.length > 0;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < left.length && tries < mostTries; ) {
      const fewer = left.filter((_, index) => index < at || index >= at + size)
      if (fewer.length < left.length && (await failsWith(fewer))) left = fewer
      else at += size
    }
  }
  const texts = found.disturbances.map(({ text }) => text)
  return new ExplorationError(seed, texts, found.history, found.error)
}
