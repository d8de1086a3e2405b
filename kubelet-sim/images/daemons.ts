// Daemons of clusters: collectors, exporters, drivers. They run until they are stopped; some answer on a port.

import type { Image } from './image.ts'

const daemon = (name: string, size: number, rest: Partial<Image> = {}): Image => ({
  name,
  size,
  onTerm: 0,
  base: 'none',
  ...rest,
})

const fluentd = { base: 'debian', usage: { memory: 60_000_000, cpu: 5 }, about: 'runs until it is stopped' } as const

export const daemons: readonly Image[] = [
  daemon('fluentd', 16_000_000, {
    ...fluentd,
    ports: [24224],
    tcp: true,
    prints: ['$(postgres-time) +0000 [info]: #0 fluentd worker is now running worker=0'],
  }),
  daemon('fluent/fluentd', 16_000_000, { ...fluentd, ports: [24224], tcp: true }),
  daemon('fluent/fluent-bit', 30_000_000, { ports: [2020], body: '{"fluent-bit":{"version":"4.1.0"}}' }),
  daemon('quay.io/fluentd_elasticsearch/fluentd', 56_000_000, fluentd),
  daemon('registry.k8s.io/fluentd-gcp', 100_000_000, fluentd),
  daemon('registry.k8s.io/event-exporter', 14_000_000),
  daemon('registry.k8s.io/node-problem-detector', 70_000_000),
  daemon('registry.k8s.io/node-problem-detector/node-problem-detector', 70_000_000),
  daemon('registry.k8s.io/cpa/cluster-proportional-autoscaler', 16_000_000),
  daemon('registry.k8s.io/cloud-controller-manager', 20_000_000),
  daemon('registry.k8s.io/dra-example-driver/dra-example-driver', 33_000_000, { base: 'debian' }),
  daemon('registry.k8s.io/metrics-server/metrics-server', 19_000_000, { ports: [10250], body: 'ok' }),
  daemon('registry.k8s.io/coredns/coredns', 20_000_000, { ports: [8080, 8181, 9153], body: 'OK' }),
  daemon('registry.k8s.io/kube-proxy', 26_000_000, { ports: [10249, 10256], body: 'ok' }),
  daemon('registry.k8s.io/ingress-nginx/controller', 104_000_000, {
    ports: [80, 443, 10254],
    body: 'ok',
    base: 'alpine',
  }),
  daemon('registry.k8s.io/kube-state-metrics/kube-state-metrics', 16_000_000, { ports: [8080, 8081], body: 'OK' }),
  daemon('prom/prometheus', 110_000_000, {
    ports: [9090],
    body: 'Prometheus Server is Healthy.',
    base: 'busybox',
    user: 'nobody',
    usage: { memory: 60_000_000, cpu: 5 },
    about: 'answers that it is well',
  }),
  daemon('quay.io/prometheus/prometheus', 110_000_000, {
    ports: [9090],
    body: 'Prometheus Server is Healthy.',
    base: 'busybox',
    user: 'nobody',
  }),
  daemon('prom/node-exporter', 12_000_000, {
    ports: [9100],
    body: '<h1>Node Exporter</h1>',
    base: 'busybox',
    user: 'nobody',
  }),
  daemon('quay.io/prometheus/node-exporter', 12_000_000, {
    ports: [9100],
    body: '<h1>Node Exporter</h1>',
    base: 'busybox',
    user: 'nobody',
  }),
  daemon('grafana/grafana', 190_000_000, { ports: [3000], body: '{"database":"ok"}', base: 'alpine', user: '472' }),
  daemon('traefik', 52_000_000, { ports: [80, 8080], body: '404 page not found', base: 'alpine' }),
  daemon('haproxy', 40_000_000, {
    ports: [80],
    body: '<html><body><h1>503 Service Unavailable</h1></body></html>',
    base: 'debian',
  }),
  daemon('envoyproxy/envoy', 60_000_000, { ports: [10000, 9901], body: 'LIVE', base: 'ubuntu' }),
]
