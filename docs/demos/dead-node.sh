#!/bin/sh
# A node that dies: its silence is noticed, it is tainted, its pods are given up and come back elsewhere.
# About a minute, most of it the 50 seconds that a control plane waits before it believes a silence.
# Needs kubectl, kubesim and a running cluster of at least two nodes.
set -eu
. "$(dirname "$0")/steps.sh"
begin

say 'Four pods, spread over the nodes. They stand a dead node for 10 seconds only; without that line it would be 300.'
kubectl apply -n "$NAMESPACE" -f - <<'MANIFEST'
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 4
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      tolerations:
        - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 10}
      containers:
        - {name: nginx, image: "nginx:1.29", ports: [{containerPort: 80}]}
MANIFEST
run kubectl -n "$NAMESPACE" rollout status deployment/web --timeout=60s
run kubectl -n "$NAMESPACE" get pods -o wide
node=$(kubectl -n "$NAMESPACE" get pods -o 'jsonpath={.items[0].spec.nodeName}')
tidy() { kubesim node start "$node" >/dev/null 2>&1; }

say "The machine of $node dies: nothing is said any more, no lease is renewed. The API still shows what it was told last."
run kubesim node stop "$node"
run kubectl get nodes

say 'After 50 seconds without a renewed lease the node lifecycle controller calls it NotReady, and its pods with it.'
run kubectl wait --for=condition=Ready=unknown "node/$node" --timeout=90s
run kubectl get nodes
run kubectl get node "$node" -o 'jsonpath={range .spec.taints[*]}{.key}:{.effect}{"\n"}{end}'
run kubectl -n "$NAMESPACE" get pods -o wide

say 'Ten seconds later the taint has driven its pods out, and new ones run elsewhere.'
say 'The old ones stay Terminating: the kubelet that should confirm their end is dead.'
is_terminating() {
  kubectl -n "$NAMESPACE" get pods --field-selector "spec.nodeName=$node" -o 'jsonpath={.items[*].metadata.deletionTimestamp}' |
    grep -q .
}
until_true 40 is_terminating
run kubectl -n "$NAMESPACE" wait --for=condition=Available deployment/web --timeout=60s
run kubectl -n "$NAMESPACE" get pods -o wide

say 'The machine comes back: the node is Ready, the taints go, and the old pods end at last.'
run kubesim node start "$node"
run kubectl wait --for=condition=Ready "node/$node" --timeout=60s
none_terminating() { ! is_terminating; }
until_true 60 none_terminating
run kubectl get nodes
run kubectl -n "$NAMESPACE" get pods -o wide

say 'Done. Nothing moves back by itself: a scheduler places pods once.'
