"""What a Python program does with a cluster: typed calls, a watch, the dynamic client. Prints one JSON line in the end."""

import json
import sys

from kubernetes import client, config, dynamic, watch
from kubernetes.client.rest import ApiException

config.load_kube_config(sys.argv[1])
core, apps = client.CoreV1Api(), client.AppsV1Api()
said = {"nodes": [node.metadata.name for node in core.list_node().items]}

labels = {"app": "web"}
apps.create_namespaced_deployment("default", client.V1Deployment(
    metadata=client.V1ObjectMeta(name="web"),
    spec=client.V1DeploymentSpec(
        replicas=2,
        selector=client.V1LabelSelector(match_labels=labels),
        template=client.V1PodTemplateSpec(
            metadata=client.V1ObjectMeta(labels=labels),
            spec=client.V1PodSpec(containers=[client.V1Container(name="web", image="nginx")]),
        ),
    ),
))
running = set()
watcher = watch.Watch()
for event in watcher.stream(core.list_namespaced_pod, "default", label_selector="app=web", timeout_seconds=30):
    if event["object"].status.phase == "Running":
        running.add(event["object"].metadata.name)
    if len(running) == 2:
        watcher.stop()
said["running"] = len(running)

apps.patch_namespaced_deployment_scale("web", "default", {"spec": {"replicas": 1}})
said["replicas"] = apps.read_namespaced_deployment_scale("web", "default").spec.replicas

maps = dynamic.DynamicClient(client.ApiClient()).resources.get(api_version="v1", kind="ConfigMap")
maps.create(body={"metadata": {"name": "notes"}, "data": {"a": "1"}}, namespace="default")
maps.patch(body={"data": {"a": None, "b": "2"}}, name="notes", namespace="default",
           content_type="application/merge-patch+json")
said["data"] = dict(maps.get(name="notes", namespace="default").data)
maps.delete(name="notes", namespace="default")

try:
    core.read_namespaced_config_map("notes", "default")
except ApiException as refusal:
    said["refusal"] = [refusal.status, json.loads(refusal.body)["message"]]
apps.delete_namespaced_deployment("web", "default", propagation_policy="Foreground")
print(json.dumps(said))
