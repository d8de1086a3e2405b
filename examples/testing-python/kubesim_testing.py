"""Clusters for tests: `kubesim test-server` as a child of the test run, and a cluster of its own for each test.

Copy this file into your project. It needs the command `kubesim` (or $KUBESIM) and the package `kubernetes`.
"""

import json
import os
import shlex
import subprocess
import tempfile
import urllib.error
import urllib.request

from kubernetes import config


class KubesimError(Exception):
    """What the server refused, in its own words."""


def ask(method, url, body=None):
    """JSON in, JSON out."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise KubesimError(json.load(error)["message"]) from None


class TestServer:
    """One for the whole run. It ends with this process, however that ends: its standard input does."""

    __test__ = False  # for pytest: not a class of tests

    def __init__(self):
        command = [*shlex.split(os.environ.get("KUBESIM", "kubesim")), "test-server"]
        command += ["--port", "0", "--with-stdin", "--output", "json"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        said = ""
        while True:
            line = self._process.stdout.readline()
            if line == "":
                raise KubesimError(f"the test server ended with {self._process.wait()}")
            said += line
            if line.startswith("}"):
                break
        self.url = json.loads(said)["url"]

    def cluster(self, **wish):
        """`nodes=1, seed=7, without=["scheduler"], from_="other"`: docs/test-server.md has all of it."""
        return Cluster(ask("POST", f"{self.url}/clusters", {name.rstrip("_"): value for name, value in wish.items()}))

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()


class Cluster:
    """Ends with the block: `with server.cluster(nodes=1) as cluster:`"""

    def __init__(self, made):
        self.name, self.url, self.kubeconfig = made["name"], made["url"], made["kubeconfig"]

    def client(self):
        """An ApiClient of the package `kubernetes`."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(self.kubeconfig)
            file.flush()
            return config.new_client_from_config(file.name)

    def settle(self, **how):
        """Lets happen what is to happen; `patience="100ms"` for a controller of yours that is slow to answer."""
        told = self._clock("settle", how)
        if not told["settled"]:
            raise AssertionError(f"not at rest by {told['to']}; written last: {told['unsettled']}")

    def advance(self, by, **how):
        """`"90s"`, `"24h"`"""
        return self._clock("advance", {"by": by, **how})

    def why_not(self, resource, name, namespace="default"):
        """What has not happened to an object, and what is waited for, as lines: for the message of a failure."""
        query = f"resource={resource}&name={name}&namespace={namespace}"
        told = ask("GET", f"{self.url}/kubesim/v1alpha1/why-not?{query}")
        return [f"{each['about']}: {each['what']}: waits for {each['waitsFor']}" for each in told["findings"]]

    def close(self):
        ask("DELETE", self.url)

    def _clock(self, verb, body):
        return ask("POST", f"{self.url}/kubesim/v1alpha1/clock/{verb}", body)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
