// The images of a container that is to start, its volumes' and its own: are they there, have they to be pulled, did that fail,
// when is it tried again.
// Wording: pkg/kubelet/images/image_manager.go (1.36), with the errors as containerd gives them.

import type { Millis } from '../../src/env/clock.ts'
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
    if (status.state?.waiting?.reason === 'ErrImageNeverPull' && wantedBy(view).some(each => isNeverThere(view, each)))
      return undefined
    if (run.pullBackOff) return Math.max(due, run.pullBackOff.since + run.pullBackOff.delay)
    return due
  },
  apply: (view, now) => ensure(view, 0, now),
}

export const pulled: Stage<ContainerView> = {
  name: 'pulled',
  due: ({ run: { ensuring } }) =>
    ensuring && !ensuring.done && ensuring.fails === undefined ? ensuring.until : undefined,
  apply(view, now) {
    const { ensuring } = view.run
    const index = ensuring?.index ?? 0
    const wanted = wantedBy(view)[index]!
    const { size } = view.pull(wanted.image)
    const waited = goDuration(now - (ensuring?.from ?? now))
    const took = goDuration(now - (ensuring?.began ?? ensuring?.from ?? now))
    view.pod.images.add(wanted.image, size)
    wanted.say(
      'Normal',
      'Pulled',
      `Successfully pulled image "${wanted.image}" in ${took} (${waited} including waiting). Image size: ${size} bytes.`,
    )
    delete view.run.pullBackOff
    ensure(view, index + 1, now)
  },
}

export const pullFailed: Stage<ContainerView> = {
  name: 'pull-failed',
  due: ({ run: { ensuring } }) => (ensuring?.fails !== undefined ? ensuring.until : undefined),
  apply(view, now) {
    const { run, spec } = view
    const message = run.ensuring?.fails ?? ''
    const { image, say } = wantedBy(view)[run.ensuring?.index ?? 0]!
    say('Warning', 'Failed', `Failed to pull image "${image}": ${message}`)
    view.say('Warning', 'Failed', 'Error: ErrImagePull')
    view.set(waiting(spec, 'ErrImagePull', message, view.status))
    run.pullBackOff = { ...nextBackOff(run.pullBackOff, now, now), image, message }
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
    const { image = '', message } = run.pullBackOff ?? {}
    wantedBy(view)
      .find(wanted => wanted.image === image)
      ?.say('Normal', 'BackOff', `Back-off pulling image "${image}"`)
    view.say('Warning', 'Failed', 'Error: ImagePullBackOff')
    const words = `Back-off pulling image "${image}": ErrImagePull: ${message}`
    view.set(waiting(spec, 'ImagePullBackOff', words, view.status))
  },
}

/** An image that has to be there before the container is made. */
interface WantedImage {
  readonly image: string
  readonly policy: string
  /** Of a volume it is told of the pod (kuberuntime_manager.go getImageVolumes), of its own of the container. */
  readonly say: ContainerView['say']
}

/** Those of the image volumes it mounts, and then its own. */
function wantedBy(view: ContainerView): readonly WantedImage[] {
  const { spec, pod } = view
  const own = wantedImage(spec.image, spec.imagePullPolicy, view.say)
  const volumes = pod.pod.spec.volumes?.filter(({ image }) => image?.reference)
  if (!volumes?.length) return [own]
  const mounted = volumes.filter(({ name }) => spec.volumeMounts?.some(mount => mount.name === name))
  return [...mounted.map(({ image }) => wantedImage(image?.reference, image?.pullPolicy, pod.say)), own]
}

function wantedImage(image = '', given: string | undefined, say: ContainerView['say']): WantedImage {
  const policy = given || (parseImageName(image)?.tag === 'latest' ? 'Always' : 'IfNotPresent')
  return { image, policy, say }
}

/** Sees to the images from that one on: either all are there, or the next is asked for. */
function ensure(view: ContainerView, from: number, now: Millis): void {
  const { spec, run, pod } = view
  const wanted = wantedBy(view)
  for (let index = from; index < wanted.length; index++) {
    const { image, policy, say } = wanted[index]!
    if (isNeverThere(view, wanted[index]!)) {
      const message = `Container image "${image}" is not present with pull policy of Never`
      say('Warning', 'ErrImageNeverPull', message)
      view.say('Warning', 'Failed', 'Error: ErrImageNeverPull')
      view.set(waiting(spec, 'ErrImageNeverPull', message, view.status))
      delete run.ensuring
      return
    }
    if (policy === 'Always' || !view.isPresent(image)) {
      say('Normal', 'Pulling', `Pulling image "${image}"`)
      const pull = view.pull(image)
      const { from: began, until } = pod.images.beginPull(image, now, Math.round(pull.takes * pod.delays.pull))
      run.ensuring = {
        index,
        from: now,
        began: Math.max(now, began),
        until,
        ...(pull.fails === undefined ? {} : { fails: pull.fails }),
      }
      return
    }
    say('Normal', 'Pulled', `Container image "${image}" already present on machine and can be accessed by the pod`)
    if (view.isBuilt && image === spec.image) pod.images.add(image, view.pull(image).size)
  }
  run.ensuring = { from: now, until: now + startDelay(view), done: true }
}

function isNeverThere(view: ContainerView, { image, policy }: WantedImage): boolean {
  return policy === 'Never' && !view.isPresent(image)
}

function startDelay(view: ContainerView): number {
  return Math.round(settingUp * view.pod.delays.start) + view.behaviour.startDelay
}
