// What tests, demos and library users import: a cluster built in process, its kinds and words, and the runtime for
// controllers of one's own. Everything here is also used by kubesim itself; nothing else is promised to stay.

export { type Journal, MemoryJournal } from '../apiserver/storage/journal.ts'
export { LevelJournal } from '../apiserver/storage/level-journal.ts'
export { ApiError, isAlreadyExists, isConflict, isExpired, isNotFound } from './api/errors.ts'
export { draft } from './api/freeze.ts'
export type { Frozen, KubeObject, NewObject, ObjectMeta, OwnerReference, Ref } from './api/meta.ts'
export type { Client, List, ListOptions, Patch, ResourceClient, WatchEvent } from './client/client.ts'
export { createHttpClient } from './client/http-client.ts'
export { type Cluster, type ClusterOptions, createCluster } from './cluster.ts'
export { type Component, type Config, ConfigError, components, readConfig } from './config.ts'
export type { Env } from './env/env.ts'
export { realEnv } from './env/real-env.ts'
export { virtualEnv } from './env/virtual-env.ts'
export * from './kinds/index.ts'
export { type Context, type ControllerSpec, defineController } from './runtime/controller.ts'
export { createManager, type Manager } from './runtime/manager.ts'
export { type Serving, serve } from './serve.ts'
