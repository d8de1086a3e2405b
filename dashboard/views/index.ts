// The views, in the order of the menu. A new one is a folder beside this file and a line here.

import type { View } from './view.ts'

export const views: readonly View[] = [
  {
    id: 'cluster',
    title: 'Cluster',
    about: 'nodes and their pods, live',
    sign: 'M2 2h5v5H2zM9 2h5v5H9zM2 9h5v5H2zM9 9h5v5H9z',
    load: async () => (await import('./cluster/cluster-view.tsx')).ClusterView,
  },
  {
    id: 'control-plane',
    title: 'Control plane',
    about: 'who works on what, and what travels between them',
    sign: 'M5.5 2h5v3.5h-5zM1 10.5h4V14H1zM11 10.5h4V14h-4zM8 5.5V8M3 10.5V8h10v2.5',
    load: async () => (await import('./control-plane/control-plane-view.tsx')).ControlPlaneView,
  },
  {
    id: 'timeline',
    title: 'Timeline',
    about: 'the whole history, and the cluster as of any moment',
    sign: 'M1.5 4h8M5 8h9.5M3 12h6M11.5 1.5v13',
    load: async () => (await import('./timeline/timeline-view.tsx')).TimelineView,
  },
  {
    id: 'scheduling',
    title: 'Scheduling',
    about: 'a pod against every node and rule, and what if',
    sign: 'M2 3h12M2 8h12M2 13h12M6 1.5v13',
    load: async () => (await import('./scheduling/scheduling-view.tsx')).SchedulingView,
  },
  {
    id: 'network',
    title: 'Network',
    about: 'a request and its way: names, tables, endpoints, policies',
    sign: 'M1.5 8h13M11 4.5L14.5 8 11 11.5M4 5v6',
    load: async () => (await import('./network/network-view.tsx')).NetworkView,
  },
  {
    id: 'objects',
    title: 'Objects',
    about: 'every kind, as kubectl get lists it',
    sign: 'M2 3.5h12M2 8h12M2 12.5h12',
    load: async () => (await import('./objects/objects-view.tsx')).ObjectsView,
  },
  {
    id: 'lessons',
    title: 'Lessons',
    about: 'how a cluster works, step by step, in one of its own',
    sign: 'M1 5.5L8 2l7 3.5L8 9zM4 7.2V11c0 1 1.8 2 4 2s4-1 4-2V7.2M15 5.5V10',
    load: async () => (await import('./lessons/lessons-view.tsx')).LessonsView,
  },
]
