// The image of a container that is to start: is it there, has it to be pulled, did that fail, when is it tried again.
// Wording: pkg/kubelet/images/image_manager.go (1.36), with the errors as containerd gives them.

import { parseImageName } from '../../src/kinds/image-name.ts'
import { waiting } from '../containers.ts'
import { goDuration } from '../duration.ts'
import { type ContainerView, nextBackOff, startDue } from '../pod-view.ts'
import type { Stage } from '../stage.ts'

/** Between the failure and the kubelet's next look, which finds it in back-off. */
const nextLook = 1000
const settingUp = 400

export const pulling: Stage<ContainerView> = {
  name: 'pulling',
  due(view) {
    const { run, spec, status } = view
    if (run.ensuring) return undefined
    const startsAt = startDue(view)
    const due = startsAt === undefined ? undefined : Math.max(startsAt, run.heldUntil ?? 0)
    if (due === undefined || parseImageName(spec.image ?? '') === undefined) return undefined
    if (status.state?.waiting?.reason === 'ErrImageNeverPull' && !isPresent(view)) return undefined
    if (run.pullBackOff) return Math.max(due, run.pullBackOff.since + run.pullBackOff.delay)
    return due
  },
  apply(view, now) {
    const { spec, run, pod } = view
    const image = spec.image ?? ''
    const policy = spec.imagePullPolicy ?? (parseImageName(image)?.tag === 'latest' ? 'Always' : 'IfNotPresent')
    const present = isPresent(view)
    if (policy !== 'Always' && present) {
      view.say(
        'Normal',
        'Pulled',
        `Container image "${image}" already present on machine and can be accessed by the pod`,
      )
      if (view.isBuilt) pod.images.add(image, view.pull().size)
      run.ensuring = { from: now, until: now + startDelay(view), done: true }
    } else if (policy === 'Never') {
      const message = `Container image "${image}" is not present with pull policy of Never`
      view.say('Warning', 'ErrImageNeverPull', message)
      view.say('Warning', 'Failed', 'Error: ErrImageNeverPull')
      view.set(waiting(spec, 'ErrImageNeverPull', message, view.status))
    } else {
      view.say('Normal', 'Pulling', `Pulling image "${image}"`)
      const pull = view.pull()
      const { from: began, until } = pod.images.beginPull(image, now, Math.round(pull.takes * pod.delays.pull))
      run.ensuring = {
        from: now,
        began: Math.max(now, began),
        until,
        ...(pull.fails === undefined ? {} : { fails: pull.fails }),
      }
    }
  },
}

export const pulled: Stage<ContainerView> = {
  name: 'pulled',
  due: ({ run: { ensuring } }) =>
    ensuring && !ensuring.done && ensuring.fails === undefined ? ensuring.until : undefined,
  apply(view, now) {
    const { ensuring } = view.run
    const { size } = view.pull()
    const waited = goDuration(now - (ensuring?.from ?? now))
    const took = goDuration(now - (ensuring?.began ?? ensuring?.from ?? now))
    view.pod.images.add(view.spec.image ?? '', size)
    view.say(
      'Normal',
      'Pulled',
      `Successfully pulled image "${view.spec.image}" in ${took} (${waited} including waiting). Image size: ${size} bytes.`,
    )
    delete view.run.pullBackOff
    view.run.ensuring = { from: now, until: now + startDelay(view), done: true }
  },
}

export const pullFailed: Stage<ContainerView> = {
  name: 'pull-failed',
  due: ({ run: { ensuring } }) => (ensuring?.fails !== undefined ? ensuring.until : undefined),
  apply(view, now) {
    const { run, spec } = view
    const message = run.ensuring?.fails ?? ''
    view.say('Warning', 'Failed', `Failed to pull image "${spec.image}": ${message}`)
    view.say('Warning', 'Failed', 'Error: ErrImagePull')
    view.set(waiting(spec, 'ErrImagePull', message, view.status))
    run.pullBackOff = { ...nextBackOff(run.pullBackOff, now, now), message }
    delete run.ensuring
  },
}

export const pullBackingOff: Stage<ContainerView> = {
  name: 'pull-backing-off',
  due({ status, run }) {
    const isFailed = status.state?.waiting?.reason === 'ErrImagePull'
    return isFailed && run.pullBackOff && !run.ensuring ? run.pullBackOff.since + nextLook : undefined
  },
  apply(view) {
    const { spec, run } = view
    view.say('Normal', 'BackOff', `Back-off pulling image "${spec.image}"`)
    view.say('Warning', 'Failed', 'Error: ImagePullBackOff')
    const message = `Back-off pulling image "${spec.image}": ErrImagePull: ${run.pullBackOff?.message}`
    view.set(waiting(spec, 'ImagePullBackOff', message, view.status))
  },
}

function isPresent(view: ContainerView): boolean {
  return view.isBuilt || view.pod.images.has(view.spec.image ?? '')
}

function startDelay(view: ContainerView): number {
  return Math.round(settingUp * view.pod.delays.start) + view.behaviour.startDelay
}
