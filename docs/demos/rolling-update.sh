#!/bin/sh
# Rolling update and rollback: a new version pod by pod, one that cannot start, and the way back.
# About half a minute. Needs kubectl and a running cluster.
set -eu
. "$(dirname "$0")/steps.sh"
begin

say 'Version 1 of an application, four times; at most one too many and none too few while it is updated.'
kubectl apply -n "$NAMESPACE" -f - <<'MANIFEST'
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {kubernetes.io/change-cause: first version}
spec:
  replicas: 4
  strategy:
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - {name: nginx, image: "nginx:1.28", ports: [{containerPort: 80}]}
MANIFEST
run kubectl -n "$NAMESPACE" rollout status deployment/web --timeout=60s
run kubectl -n "$NAMESPACE" get pods

say 'Version 2. Watch the counts: a new pod must be ready before an old one goes.'
run kubectl -n "$NAMESPACE" set image deployment/web nginx=nginx:1.29
kubectl -n "$NAMESPACE" annotate deployment/web kubernetes.io/change-cause='nginx 1.29' --overwrite >/dev/null
run kubectl -n "$NAMESPACE" rollout status deployment/web --timeout=90s
run kubectl -n "$NAMESPACE" get replicasets -o wide

say 'Version 3 is a slip of the finger: there is no such image. The rollout stops at the first pod; four old ones still serve.'
run kubectl -n "$NAMESPACE" set image deployment/web nginx=nginx:1.291
kubectl -n "$NAMESPACE" annotate deployment/web kubernetes.io/change-cause='nginx 1.291' --overwrite >/dev/null
run kubectl -n "$NAMESPACE" rollout status deployment/web --timeout=8s || true
run kubectl -n "$NAMESPACE" get pods
run kubectl -n "$NAMESPACE" rollout history deployment/web

say 'The way back: revision 2 becomes revision 4.'
run kubectl -n "$NAMESPACE" rollout undo deployment/web
run kubectl -n "$NAMESPACE" rollout status deployment/web --timeout=60s
run kubectl -n "$NAMESPACE" rollout history deployment/web
run kubectl -n "$NAMESPACE" get deployment web -o wide

say 'Done.'
