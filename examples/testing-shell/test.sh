#!/bin/sh
# Tests of web.yaml: each in a cluster of its own, which is there in milliseconds, with its time in our hand.
# Needs curl and kubectl. Uses the test server at $KUBESIM_TEST_SERVER, or starts one of its own (`kubesim test-server`).
set -eu
cd "$(dirname "$0")"

scratch=$(mktemp -d)
server=
lifeline=
finish() {
  for process in $lifeline $server; do kill "$process" 2>/dev/null || true; done
  rm -rf "$scratch"
}
trap finish EXIT

if [ -z "${KUBESIM_TEST_SERVER:-}" ]; then
  : > "$scratch/server"
  ${KUBESIM:-kubesim} test-server --port 0 > "$scratch/server" &
  server=$!
  until grep -q ready "$scratch/server"; do
    kill -0 "$server" 2>/dev/null || { echo "the test server did not start" >&2; exit 1; }
    sleep 0.1
  done
  KUBESIM_TEST_SERVER=$(sed -n 's/.*ready: //p' "$scratch/server")
fi

# A request to the cluster of the present test: METHOD PATH [BODY]
ask() {
  curl -sS --fail-with-body -X "$1" "$url$2" ${3:+-d "$3"}
}

# Lets happen what is to happen.
settle() {
  ask POST /kubesim/v1alpha1/clock/settle > "$scratch/settled"
  grep -q '"settled":true' "$scratch/settled" || { cat "$scratch/settled" >&2; return 1; }
}

# NAME FUNCTION: runs a test in a fresh cluster, which goes when we do.
count=0
failed=0
it() {
  count=$((count + 1))
  url=$KUBESIM_TEST_SERVER/clusters/shell-$$-$count
  curl -sS --fail-with-body -X POST "$KUBESIM_TEST_SERVER/clusters" -d "{\"name\": \"shell-$$-$count\", \"nodes\": 2}" > /dev/null
  curl -sN "$url/lifeline" > /dev/null &
  lifeline=$!
  ask GET /kubeconfig > "$scratch/kubeconfig"
  # In a shell of its own, so that -e ends the test at the first command that fails.
  set +e
  (set -e; "$2") > "$scratch/said" 2>&1
  result=$?
  set -e
  if [ $result -eq 0 ]; then
    echo "ok $count - $1"
  else
    failed=$((failed + 1))
    echo "not ok $count - $1"
    sed 's/^/  # /' "$scratch/said"
  fi
  kill "$lifeline" 2>/dev/null || true
}

export KUBECONFIG="$scratch/kubeconfig"

comes_up() {
  kubectl apply -f web.yaml
  settle
  kubectl rollout status deployment/web --timeout=1s
  test "$(kubectl get endpointslices -l kubernetes.io/service-name=web -o jsonpath='{.items[*].endpoints[*].conditions.ready}')" = "true true"
  # From a pod, through the Service.
  kubectl exec deploy/web -- curl -s http://web/ | grep -q nginx
  # The API server as a pod reaches it.
  kubectl exec deploy/web -- curl -sk https://kubernetes.default.svc/version | grep -q gitVersion
}

reports_each_hour() {
  kubectl apply -f web.yaml
  settle
  ask POST /kubesim/v1alpha1/clock/advance '{"by": "24h"}'
  test "$(kubectl get jobs --no-headers | wc -l)" -eq 24
  job=$(kubectl get jobs -o jsonpath='{.items[0].metadata.name}')
  test "$(kubectl logs "job/$job")" = "all is well"
}

survives_a_node() {
  kubectl apply -f web.yaml
  settle
  node=$(kubectl get pods -l app=web -o jsonpath='{.items[0].spec.nodeName}')
  kubectl apply -f - << FAULT
apiVersion: kubesim.dev/v1alpha1
kind: Fault
metadata: { name: power-cut }
spec: { nodes: { names: [$node], effect: Dead } }
FAULT
  ask POST /kubesim/v1alpha1/clock/advance '{"by": "10m"}'
  test "$(kubectl get node "$node" -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}')" = Unknown
  test "$(kubectl get deployment web -o jsonpath='{.status.availableReplicas}')" = 2
}

it "two replicas come up, and answer through the Service" comes_up
it "a report each hour, and what it said" reports_each_hour
it "a node dies, and there are two replicas again" survives_a_node

echo "1..$count"
test $failed -eq 0
