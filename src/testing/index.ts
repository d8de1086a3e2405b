// kubesim/testing: what tests of controllers and of whoever speaks to Kubernetes import. A cluster in memory and in virtual
// time, the kinds, and what it takes to write a controller. Importing it does nothing.

export { type Condition, findCondition, isConditionTrue, setCondition } from '../api/conditions.ts'
export { ApiError, isAlreadyExists, isConflict, isExpired, isNotFound } from '../api/errors.ts'
export { draft } from '../api/freeze.ts'
export { jsonEqual } from '../api/json-equal.ts'
export type { Frozen, KubeObject, NewObject, ObjectMeta, OwnerReference, Ref } from '../api/meta.ts'
export { controllerOf, isControlledBy, isOwnedBy, ownerReference } from '../api/owners.ts'
export type { Client, List, ListOptions, Patch, ResourceClient, WatchEvent } from '../client/client.ts'
export { createHttpClient } from '../client/http-client.ts'
export type { Advanced, ClockControl, ClockStatus, Step } from '../clock-control.ts'
export type { Cluster } from '../cluster.ts'
export * from '../kinds/index.ts'
export { defineKind, type Kind, type KindSpec } from '../kinds/kind.ts'
export { type Recording, RecordingError, readRecording } from '../recording/recording-file.ts'
export { type FirstDifference, type Replayed, type ReplayOptions, replay } from '../recording/replay.ts'
export { type Context, type ControllerSpec, defineController } from '../runtime/controller.ts'
export type { Happening, Timeline, TimelineQuery } from '../timeline.ts'
export type { Why } from '../why/chain.ts'
export type { WhyNot } from '../why/why-not.ts'
export {
  type FaultSpec,
  type OngoingFault,
  type Opened,
  type TestCluster,
  type TestClusterOptions,
  testCluster,
  type Way,
} from './cluster.ts'
export type { DisturbanceOptions } from './disturbances.ts'
export type { Applied } from './documents.ts'
export { millis } from './duration.ts'
export { ExplorationError, type ExploreOptions, explore } from './explore.ts'
export type { History } from './history.ts'
export type { Listening, ListenOptions } from './listening.ts'
export { type KubesimMatchers, kubesimMatchers, type Matchers, type Verdict } from './matchers.ts'
