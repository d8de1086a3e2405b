// Which container of a pod: its init containers, its containers, and those that were put in to debug it.

import type { Pod } from '../../generated/types.ts'

export function containersOf({ spec }: Pod): string[] {
  return [...(spec?.containers ?? []), ...(spec?.initContainers ?? []), ...(spec?.ephemeralContainers ?? [])].map(
    ({ name }) => name!,
  )
}

interface ContainerChoiceProps {
  readonly pod: Pod
  readonly chosen: string
  readonly choose: (container: string) => void
}

export function ContainerChoice({ pod, chosen, choose }: ContainerChoiceProps) {
  return (
    <label className="field">
      <span>Container</span>
      <select value={chosen} onChange={event => choose(event.target.value)}>
        {containersOf(pod).map(name => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  )
}
