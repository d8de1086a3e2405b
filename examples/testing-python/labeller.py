"""A small controller, as one writes it with the package `kubernetes`: labels each Pod with the zone of its node."""

from kubernetes import client, watch
from kubernetes.client.rest import ApiException

ZONE = "topology.kubernetes.io/zone"


class Labeller:
    def __init__(self, api):
        self._core = client.CoreV1Api(api)
        self._watch = watch.Watch()

    def run(self):
        """Until `stop`, in a thread of its own."""
        for event in self._watch.stream(self._core.list_pod_for_all_namespaces):
            if event["type"] in ("ADDED", "MODIFIED"):
                self.reconcile(event["object"])

    def stop(self):
        self._watch.stop()

    def reconcile(self, pod):
        if pod.spec.node_name is None or ZONE in (pod.metadata.labels or {}):
            return
        zone = (self._core.read_node(pod.spec.node_name).metadata.labels or {}).get(ZONE, "none")
        try:
            body = {"metadata": {"labels": {ZONE: zone}}}
            self._core.patch_namespaced_pod(pod.metadata.name, pod.metadata.namespace, body)
        except ApiException as error:
            if error.status != 404:  # gone meanwhile
                raise
