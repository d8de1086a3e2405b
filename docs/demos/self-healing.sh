#!/bin/sh
# Self-healing: what happens to a pod that is deleted, to a container that crashes, and to one that is alive but not well.
# About three quarters of a minute. Needs kubectl and a running cluster.
set -eu
. "$(dirname "$0")/steps.sh"
begin

say 'Three pods are wanted. A Deployment says so; a ReplicaSet counts.'
kubectl apply -n "$NAMESPACE" -f - <<'MANIFEST'
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 3
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - {name: nginx, image: "nginx:1.29", ports: [{containerPort: 80}]}
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports: [{port: 80}]
MANIFEST
run kubectl -n "$NAMESPACE" rollout status deployment/web --timeout=60s
run kubectl -n "$NAMESPACE" get pods -o wide

say 'One is deleted. Nobody asks for a new one; the count is wrong, and that is enough.'
victim=$(kubectl -n "$NAMESPACE" get pods -l app=web -o 'jsonpath={.items[0].metadata.name}')
run kubectl -n "$NAMESPACE" delete pod "$victim"
run kubectl -n "$NAMESPACE" wait --for=condition=Available deployment/web --timeout=60s
run kubectl -n "$NAMESPACE" get pods -o wide
run kubectl -n "$NAMESPACE" get events --field-selector involvedObject.kind=ReplicaSet

say 'A container that ends is started again in the same pod: RESTARTS counts, and the waits grow (CrashLoopBackOff).'
kubectl apply -n "$NAMESPACE" -f - <<'MANIFEST'
apiVersion: v1
kind: Pod
metadata:
  name: unsteady
  annotations:
    kubesim.dev/exit-after: 3s
    kubesim.dev/exit-code: "1"
spec:
  containers:
    - {name: app, image: example/unsteady}
MANIFEST
crashed() {
  test "$(kubectl -n "$NAMESPACE" get pod unsteady -o 'jsonpath={.status.containerStatuses[0].restartCount}')" -ge "$1"
}
until_true 60 crashed 1
run kubectl -n "$NAMESPACE" get pod unsteady
until_true 60 crashed 2
run kubectl -n "$NAMESPACE" get pod unsteady
run kubectl -n "$NAMESPACE" get events --field-selector involvedObject.name=unsteady

answering() {
  run kubectl -n "$NAMESPACE" get endpointslices -l kubernetes.io/service-name=web \
    -o 'jsonpath={range .items[*].endpoints[*]}{.targetRef.name}{"  ready: "}{.conditions.ready}{"\n"}{end}'
}

say 'A container can run and yet not be well. The readiness probe takes it out of the Service; it is not restarted for that.'
kubectl apply -n "$NAMESPACE" -f - <<'MANIFEST'
apiVersion: v1
kind: Pod
metadata:
  name: tired
  labels: {app: web}
  annotations:
    kubesim.dev/unhealthy-after: 8s
spec:
  containers:
    - name: nginx
      image: nginx:1.29
      readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 2, failureThreshold: 1}
MANIFEST
run kubectl -n "$NAMESPACE" wait --for=condition=Ready pod/tired --timeout=30s
answering
run kubectl -n "$NAMESPACE" wait --for=condition=Ready=false pod/tired --timeout=30s
run kubectl -n "$NAMESPACE" get pod tired
answering

say 'Done.'
