# What the demos share; sourced by them. POSIX sh.
#
# KUBECTL and KUBESIM name the commands, for instance
#   KUBESIM='node bin/kubesim.js' KUBECTL='node bin/kubesim.js kubectl --' docs/demos/self-healing.sh
# On a terminal each step waits for Enter, so that there is time to talk; PAUSE=no goes straight on.

KUBECTL=${KUBECTL:-kubectl}
KUBESIM=${KUBESIM:-kubesim}
NAMESPACE=${NAMESPACE:-demo}

if [ -t 0 ] && [ "${PAUSE:-yes}" != no ]; then waits=yes; else waits=no; fi

kubectl() { $KUBECTL "$@"; }
kubesim() { $KUBESIM "$@"; }

# say TEXT: what the teacher would say.
say() { printf '\n# %s\n' "$*"; }

# run COMMAND …: shows it, waits, runs it. A command that may fail is followed by || true.
run() {
  printf '$ %s' "$*"
  if [ "$waits" = yes ]; then read -r _; else printf '\n'; fi
  "$@"
}

# until_true SECONDS COMMAND …: tries it once a second; for what kubectl wait cannot ask.
until_true() {
  left=$1
  shift
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    if [ "$left" -le 0 ]; then
      printf 'gave up waiting for: %s\n' "$*" >&2
      return 1
    fi
    sleep 1
  done
}

begin() {
  kubectl get nodes >/dev/null || {
    echo 'no cluster answers: start one with "npm start" or "kubesim start"' >&2
    exit 1
  }
  kubectl delete namespace "$NAMESPACE" --ignore-not-found >/dev/null
  printf 'apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n' "$NAMESPACE" | kubectl apply -f - >/dev/null
  trap end EXIT
  trap 'exit 130' INT TERM
}

# Demos with more to put right define tidy.
tidy() { :; }

end() {
  tidy
  kubectl delete namespace "$NAMESPACE" --ignore-not-found >/dev/null
}
