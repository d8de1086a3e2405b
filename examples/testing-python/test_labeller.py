"""Tests of labeller.py and of a Deployment: `python3 -m unittest`, or `pytest`. Nothing in them sleeps."""

import threading
import unittest

from kubernetes import client
from kubernetes.client.rest import ApiException

from kubesim_testing import KubesimError, TestServer
from labeller import ZONE, Labeller

WEB = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "nginx"}]},
        },
    },
}


def setUpModule():
    global server
    server = TestServer()


def tearDownModule():
    server.close()


class InACluster(unittest.TestCase):
    """Each test has its own: what one leaves behind no other finds."""

    wish = {"nodes": 2}

    def setUp(self):
        self.cluster = server.cluster(**self.wish)
        self.addCleanup(self.cluster.close)
        self.api = self.cluster.client()
        self.addCleanup(self.api.rest_client.pool_manager.clear)
        self.core, self.apps = client.CoreV1Api(self.api), client.AppsV1Api(self.api)


class DeploymentTest(InACluster):
    def test_replicas_come_up(self):
        self.apps.create_namespaced_deployment("default", WEB)
        self.cluster.settle()
        status = self.apps.read_namespaced_deployment("web", "default").status
        self.assertEqual(status.ready_replicas, 3, self.cluster.why_not("deployments", "web"))

    def test_nothing_is_left_of_other_tests(self):
        with self.assertRaises(ApiException) as refused:
            self.apps.read_namespaced_deployment("web", "default")
        self.assertEqual(refused.exception.status, 404)

    def test_time_stands_until_it_is_moved(self):
        self.apps.create_namespaced_deployment("default", WEB)
        self.assertIsNone(self.apps.read_namespaced_deployment("web", "default").status.ready_replicas)
        self.cluster.advance("1m")
        self.assertEqual(self.apps.read_namespaced_deployment("web", "default").status.ready_replicas, 3)


class NoNodesTest(InACluster):
    wish = {"nodes": 0}

    def test_a_failure_says_what_is_waited_for(self):
        self.apps.create_namespaced_deployment("default", WEB)
        self.cluster.settle()
        said = "\n".join(self.cluster.why_not("deployments", "web"))
        self.assertIn("no nodes available to schedule pods", said)

    def test_what_cannot_be_is_refused(self):
        with self.assertRaisesRegex(KubesimError, '"nodes" is to be a whole number'):
            server.cluster(nodes=-1)


class LabellerTest(InACluster):
    def test_pods_bear_the_zone_of_their_node(self):
        for name, zone in (("node-1", "a"), ("node-2", "b")):
            self.core.patch_node(name, {"metadata": {"labels": {ZONE: zone}}})
        labeller = Labeller(self.api)
        threading.Thread(target=labeller.run, daemon=True).start()
        self.apps.create_namespaced_deployment("default", WEB)
        # Time waits for the labeller whenever something was written.
        self.cluster.settle(patience="100ms")
        zones = {"node-1": "a", "node-2": "b"}
        pods = self.core.list_namespaced_pod("default").items
        self.assertEqual(len(pods), 3)
        for pod in pods:
            self.assertEqual(pod.metadata.labels.get(ZONE), zones[pod.spec.node_name])
        labeller.stop()


if __name__ == "__main__":
    unittest.main()
