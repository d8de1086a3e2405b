// What a scrape is made of: families of samples, as Prometheus knows them. Made by whoever counts, when asked; metrics-page.ts
// prints them. A histogram costs a comparison and two additions an observation.

export type Labels = Readonly<Record<string, string>>

export interface Sample {
  readonly labels: Labels
  readonly value: number
  /** When it is not the family's own: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string
}

export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly values: readonly Sample[]
}

export class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0
  #count = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = bounds.map(() => 0)
  }

  observe(value: number): void {
    this.#sum += value
    this.#count++
    for (let index = 0; index < this.#bounds.length; index++) {
      if (value > this.#bounds[index]!) continue
      this.#counts[index]!++
      return
    }
  }

  static family(name: string, help: string, all: readonly (readonly [Labels, Histogram])[]): Family {
    return { name, help, type: 'histogram', values: all.flatMap(([labels, each]) => each.#samples(name, labels)) }
  }

  #samples(name: string, labels: Labels): Sample[] {
    if (this.#count === 0) return []
    let below = 0
    const bucket = (le: string, value: number): Sample => ({
      labels: { ...labels, le },
      value,
      metricName: `${name}_bucket`,
    })
    return [
      ...this.#bounds.map((bound, index) => {
        below += this.#counts[index]!
        return bucket(String(bound), below)
      }),
      bucket('+Inf', this.#count),
      { labels, value: this.#sum, metricName: `${name}_sum` },
      { labels, value: this.#count, metricName: `${name}_count` },
    ]
  }
}
