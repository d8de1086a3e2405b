// kubesim clock pause|resume|step|advance|speed|status: the cluster's time in hand. What it prints is what the API server
// answered at /kubesim/v1alpha1/clock, as a sentence or a table, or as JSON.

import { Command } from 'commander'
import { parseDuration } from '../../kubelet-sim/duration.ts'
import type { Advanced, ClockStatus, Settled, Step } from '../clock-control.ts'
import { RealClock } from '../env/clock.ts'
import { type Connection, withCluster } from './connect.ts'
import { paint, print, table, UserError } from './output.ts'
import { dataDirOption, outputOption } from './settings.ts'

interface Options {
  readonly dataDir?: string
  readonly output: string
}

const path = '/kubesim/v1alpha1/clock'
const showEvery = 200

export function clockCommand(): Command {
  const command = new Command('clock').description("pause, step, advance and speed up the cluster's time")
  const verb = (name: string, description: string): Command => {
    const made = outputOption(dataDirOption(new Command(name))).description(description)
    command.addCommand(made)
    return made
  }
  const simple = (name: string, description: string): void => {
    verb(name, description).action(async (options: Options) => {
      const status = await withCluster(options.dataDir, (_, __, get, post) =>
        name === 'status' ? get<ClockStatus>(path) : post<ClockStatus>(`${path}/${name}`, {}),
      )
      print(options.output, status, () => statusText(status))
    })
  }
  simple('status', 'what time it is in the cluster, how fast it passes, and what is waiting')
  simple('pause', 'nothing moves by itself any more; every request is still answered')
  simple('resume', 'time passes and work is done again')
  verb('speed', 'let time pass faster or slower than on the wall')
    .argument('<factor>', '1 as the wall, 60 a minute in a second, 0.1 ten times slower')
    .action(async (factor: string, options: Options) => {
      const speed = Number(factor)
      if (Number.isNaN(speed)) throw new UserError(`a speed is a number, not "${factor}"`)
      const status = await withCluster(options.dataDir, (_, __, ___, post) =>
        post<ClockStatus>(`${path}/speed`, { speed }),
      )
      print(options.output, status, () => statusText(status))
    })
  verb('step', 'let one thing happen (a reconcile, a binding, a stage of a pod) and say what it was')
    .argument('[count]', 'how many', '1')
    .action(async (count: string, options: Options) => {
      if (!/^[1-9]\d*$/.test(count)) throw new UserError(`how many steps is a whole number from 1, not "${count}"`)
      const steps: Step[] = []
      await withCluster(options.dataDir, async (_, __, ___, post) => {
        for (let step = 0; step < Number(count); step++) {
          steps.push(await post<Step>(`${path}/step`, {}))
          if (options.output !== 'json') process.stdout.write(stepText(steps.at(-1)!))
        }
      })
      if (options.output === 'json') print('json', count === '1' ? steps[0] : steps, () => '')
    })
  verb('settle', 'let time pass until for a minute nothing was written but heartbeats')
    .option('--limit <duration>', 'by so much at most', '30m')
    .action(async ({ limit, output, dataDir }: Options & { limit: string }) => {
      if (parseDuration(limit) === undefined) throw new UserError(`"${limit}" is not a duration such as 30s or 1h30m`)
      const told = await withCluster(dataDir, (_, __, ___, post) => post<Settled>(`${path}/settle`, { limit }))
      print(output, told, () => settledText(told))
      if (!told.settled) process.exitCode = 1
    })
  verb('advance', 'let so much time pass as fast as it can, in order')
    .argument('<duration>', '30s, 90m, 1h30m, 7d')
    .action(async (by: string, options: Options) => {
      if (parseDuration(by) === undefined) throw new UserError(`"${by}" is not a duration such as 30s, 1h30m or 7d`)
      const clock = new RealClock()
      const begun = clock.now()
      const told = await withCluster(options.dataDir, async (_, __, get, post) => {
        const stop = showProgress(clock, get)
        try {
          return await post<Advanced>(`${path}/advance`, { by })
        } finally {
          stop()
        }
      })
      const took = `${((clock.now() - begun) / 1000).toFixed(1)} s`
      clock.close()
      print(options.output, told, () => {
        const happened = `${told.timers} timers, ${told.writes} writes, ${took}`
        return `it is ${paint('bold', told.to)} in the cluster: ${happened}\n`
      })
    })
  return command
}

/** A line on stderr that is written over, in a terminal only. */
function showProgress(clock: RealClock, get: Connection['get']): () => void {
  if (!process.stderr.isTTY) return () => {}
  let isOver = false
  let shown = 0
  const show = async (): Promise<void> => {
    const { advancing, time } = await get<ClockStatus>(path).catch(() => ({}) as ClockStatus)
    if (isOver || advancing === undefined) return
    const [from, to, now] = [advancing.from, advancing.to, time].map(Date.parse) as [number, number, number]
    const line = `· ${time}  ${Math.floor((100 * (now - from)) / (to - from))} %`
    shown = line.length
    process.stderr.write(`\r${line}`)
    clock.after(showEvery, () => void show())
  }
  clock.after(showEvery, () => void show())
  return () => {
    isOver = true
    if (shown > 0) process.stderr.write(`\r${' '.repeat(shown)}\r`)
  }
}

export function statusText(status: ClockStatus): string {
  const { time, speed, paused, waiting, advancing, apart, nextTimer } = status
  const pace = paused
    ? paint('yellow', 'paused')
    : speed === 1
      ? 'running'
      : `running at ${speed} times the wall's speed`
  const lines = [`it is ${paint('bold', time)} in the cluster: ${pace}\n`]
  const ahead = Date.parse(time) - Date.parse(status.wall)
  if (Math.abs(ahead) > 60_000) lines.push(`the wall says ${status.wall}\n`)
  if (advancing !== undefined) lines.push(`it is being advanced to ${advancing.to}\n`)
  if (apart.length > 0) lines.push(`not driven by this clock, since not in this process: ${apart.join(', ')}\n`)
  if (paused && waiting.length === 0 && nextTimer !== undefined)
    lines.push(`nothing is waiting; next timer ${nextTimer}\n`)
  if (waiting.length > 0) {
    const rows = waiting.slice(0, most).map(({ controller, kind = '', key }) => [controller, kind, key])
    lines.push('\n', table(['WAITING', 'KIND', 'KEY'], rows))
    if (waiting.length > most) lines.push(`… and ${waiting.length - most} more (--output json)\n`)
  }
  return lines.join('')
}

const most = 30

export function stepText({ time, waited, work, writes, waiting }: Step): string {
  const who = work === undefined ? (writes.length > 0 ? 'a timer' : 'nothing') : workText(work)
  const when = waited > 0 ? `${time} (+${waited / 1000}s)` : time
  const lines = [`${paint('dim', when)}  ${paint('bold', who)}${waiting > 0 ? `, ${waiting} waiting` : ''}\n`]
  for (const { type, resource, namespace, name, revision } of writes) {
    const where = namespace ? `${namespace}/${name}` : name
    lines.push(`    ${deeds[type]} ${resource} ${where} (revision ${revision})\n`)
  }
  return lines.join('')
}

function settledText({ settled, to, writes, unsettled }: Settled): string {
  if (settled) return `all is at rest at ${paint('bold', to)}: ${writes} writes\n`
  const lines = unsettled.map(({ type, resource, name }) => `    ${deeds[type]} ${resource} ${name}\n`)
  return `it is not at rest at ${paint('bold', to)}; written last:\n${lines.join('')}`
}

const deeds = { ADDED: 'created', MODIFIED: 'changed', DELETED: 'removed' } as const

function workText({ controller, kind, key }: NonNullable<Step['work']>): string {
  return kind === undefined ? `${controller} (${key})` : `${controller}: ${kind} ${key}`
}
