"""The same nodes in containers: a docker compose file for one machine, manifests for a Kubernetes cluster.

Decisions that govern this module:

* Containers get the very files the nodes have by hand; only configuration, peers and the node list are written anew,
  because addresses and paths differ there. Both keep them in ``/network`` and the database in ``/data``.
* Besu's image (its Dockerfile): the entry point passes arguments on to besu, runs besu as it is where its user is not
  root, and sets BESU_RPC_HTTP_HOST=0.0.0.0, which overrides a configuration file; so it is set here again.
* In compose every node has a fixed address of its own network: names would need an early access feature.
* In Kubernetes addresses change, so peers are named. A node that starts before a peer's name exists would never look
  again (``EnodeURLImpl``), so each waits for all names, for a bounded time, that a dead peer does not stop the others.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from pyjpm.chain.network.options import (
    ACCOUNTS,
    CONFIG,
    GENESIS,
    JWT,
    KEY,
    KNOWN_CLIENTS,
    NODES,
    SERVER_PASSWORD,
    SERVER_STORE,
    STATIC_NODES,
    Surroundings,
)
from pyjpm.chain.network.plan import METRICS_PORT, P2P_PORT, RPC_PORT, NetworkPlan, Place
from pyjpm.chain.network.yaml_text import documents, to_yaml

FILES: Final = PurePosixPath("/network")
DATA: Final = PurePosixPath("/data")
NAMESPACE: Final = "pyjpm-besu"
SUBNET: Final = "172.30.33"
BESU_USER: Final = 1000  # of Besu's image
_EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 (inside a container; what is reachable is said by its ports)
_GRACE: Final = 60  # seconds to save what waits in the pool
_WAIT_FOR_NAMES: Final = 120
_DISK: Final = "50Gi"

# Files of the node's own that differ in containers, files that hold secrets, and the rest.
REWRITTEN: Final = (CONFIG, STATIC_NODES, NODES)
SECRET: Final = (KEY, SERVER_STORE, SERVER_PASSWORD)
SHARED: Final = (GENESIS, ACCOUNTS, JWT, KNOWN_CLIENTS)

Content = Mapping[str, bytes]


def inside(place: Place) -> Place:
    """A node's place in a container, where ports never collide."""
    return Place(place.name, place.role, place.host, P2P_PORT, RPC_PORT, METRICS_PORT)


def compose_address(number: int) -> str:
    """The address of the ``number``-th node, from 0, in the network of the compose file."""
    return f"{SUBNET}.{11 + number}"


def pod_host(name: str) -> str:
    """The name of a node's pod within its cluster."""
    return f"{name}-0.{name}.{NAMESPACE}.svc.cluster.local"


def service_names(name: str) -> tuple[str, ...]:
    """The names under which a node's service is called from within its cluster."""
    return (name, f"{name}.{NAMESPACE}", f"{name}.{NAMESPACE}.svc", f"{name}.{NAMESPACE}.svc.cluster.local")


def compose_surroundings(place: Place, number: int) -> Surroundings:
    """A node in the compose file."""
    return _surroundings(place, compose_address(number), (place.name, "localhost", "127.0.0.1"), named=False)


def kubernetes_surroundings(place: Place) -> Surroundings:
    """A node in a cluster."""
    return _surroundings(
        place, None, (*service_names(place.name), pod_host(place.name), "localhost", "127.0.0.1"), named=True
    )


def _surroundings(place: Place, address: str | None, names: tuple[str, ...], *, named: bool) -> Surroundings:
    return Surroundings(
        files=FILES,
        data=DATA,
        static_nodes=FILES / STATIC_NODES,
        address=address,
        metrics_host=_EVERYWHERE,
        rpc_host="127.0.0.1" if place.role == "validator" else _EVERYWHERE,
        host_names=names,
        names_in_enodes=named,
        names_change=named,
    )


def compose_file(
    plan: NetworkPlan, places: Sequence[Place], files: Mapping[str, Content], owner: tuple[int, int]
) -> str:
    """``docker-compose.yml``, in the folder ``compose`` beside ``nodes``.

    Args:
        files: names of each node's files.
        owner: whom the files belong to: the containers run as them.
    """
    services = {
        place.name: _service(plan, place, number, files[place.name], owner) for number, place in enumerate(places)
    }
    network = {"ipam": {"config": [{"subnet": f"{SUBNET}.0/24"}]}}
    return to_yaml(
        {"name": f"besu-{plan.chain_id}", "services": services, "networks": {"besu": network}},
        "All nodes on one machine. Start: docker compose up -d   Stop: docker compose down\n"
        "BESU_IMAGE names another image than the default: a release after 26.8.0.",
    )


def _service(plan: NetworkPlan, place: Place, number: int, files: Content, owner: tuple[int, int]) -> dict[str, Any]:
    mounts = [
        f"{'.' if name in REWRITTEN else '../nodes'}/{place.name}/{name}:{FILES / name}:ro" for name in sorted(files)
    ]
    service: dict[str, Any] = {
        "image": f"${{BESU_IMAGE:-{plan.image}}}",
        "user": f"{owner[0]}:{owner[1]}",
        "command": [f"--config-file={FILES / CONFIG}"],
        "environment": {"BESU_RPC_HTTP_HOST": _rpc_host(place), "BESU_OPTS": "-Xmx1g"},
        "volumes": [*mounts, f"../nodes/{place.name}/data:{DATA}"],
        "networks": {"besu": {"ipv4_address": compose_address(number)}},
        "restart": "unless-stopped",
        "stop_grace_period": f"{_GRACE}s",
    }
    if owner[0] == 0:  # the image's entry point would become another user, who cannot read root's keys
        service["entrypoint"] = ["/opt/besu/bin/besu"]
    if place.role == "rpc":
        service["ports"] = [f"127.0.0.1:{RPC_PORT + number - plan.validators}:{RPC_PORT}"]
    return service


def kubernetes_files(plan: NetworkPlan, places: Sequence[Place], files: Mapping[str, Content]) -> dict[str, str]:
    """The manifests, by name of file; they hold keys. ``files`` are each node's, those rewritten for pods included."""
    peers = [pod_host(place.name) for place in places]
    manifests = {"00-namespace.yaml": _namespace(places)}
    for place in places:
        manifests[f"{place.name}.yaml"] = documents(
            [
                _config_map(place, files[place.name]),
                _secret(place, files[place.name]),
                _headless(place),
                _stateful_set(plan, place, files[place.name], peers),
            ],
            f"{place.name}: holds its keys.",
        )
    return manifests


def _namespace(places: Sequence[Place]) -> str:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    # One validator at a time may be taken away by the cluster: a second would stop a chain of four.
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "validators", "namespace": NAMESPACE},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"role": "validator"}}},
    }
    return documents([namespace, budget], f"Of {len(places)} nodes; apply this first.")


def _labels(place: Place) -> dict[str, str]:
    return {"app": "besu", "node": place.name, "role": place.role}


def _metadata(place: Place) -> dict[str, Any]:
    return {"name": place.name, "namespace": NAMESPACE, "labels": _labels(place)}


def _config_map(place: Place, files: Content) -> dict[str, Any]:
    data = {name: files[name].decode() for name in sorted(files) if name not in SECRET}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(place), "data": data}


def _secret(place: Place, files: Content) -> dict[str, Any]:
    data = {name: base64.b64encode(files[name]).decode() for name in sorted(files) if name in SECRET}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": _metadata(place), "type": "Opaque", "data": data}


def _headless(place: Place) -> dict[str, Any]:
    # Headless: a node compares its peers' own addresses with its allowlist, not a service's.
    # Not-ready addresses too: nodes find each other before they are ready.
    ports = [{"name": "p2p", "port": P2P_PORT}, {"name": "metrics", "port": METRICS_PORT}]
    if place.role == "rpc":
        ports.append({"name": "rpc", "port": RPC_PORT})
    spec = {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": {"node": place.name}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(place), "spec": spec}


def _stateful_set(plan: NetworkPlan, place: Place, files: Content, peers: Sequence[str]) -> dict[str, Any]:
    ports = [{"name": "p2p", "containerPort": P2P_PORT}, {"name": "metrics", "containerPort": METRICS_PORT}]
    if place.role == "rpc":
        ports.append({"name": "rpc", "containerPort": RPC_PORT})
    alive = {"exec": {"command": ["bash", "-c", "[ -f /tmp/pid ]"]}, "periodSeconds": 10}  # as the image's own
    besu = {
        "name": "besu",
        "image": plan.image,
        "args": [f"--config-file={FILES / CONFIG}"],
        "env": [
            {"name": "BESU_RPC_HTTP_HOST", "value": _rpc_host(place)},
            {"name": "BESU_P2P_HOST", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "BESU_OPTS", "value": "-Xmx2g"},
        ],
        "ports": ports,
        "resources": {"requests": {"cpu": "1", "memory": "3Gi"}, "limits": {"memory": "4Gi"}},
        "startupProbe": {**alive, "failureThreshold": 30},
        "livenessProbe": {**alive, "failureThreshold": 6},
        "volumeMounts": [
            {"name": "network", "mountPath": str(FILES), "readOnly": True},
            {"name": "data", "mountPath": str(DATA)},
        ],
    }
    sources = [
        {"configMap": {"name": place.name, "items": _items(name for name in sorted(files) if name not in SECRET)}},
        {"secret": {"name": place.name, "items": _items(name for name in sorted(files) if name in SECRET)}},
    ]
    pod = {
        "terminationGracePeriodSeconds": _GRACE,
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": BESU_USER,
            "runAsGroup": BESU_USER,
            "fsGroup": BESU_USER,
        },
        "affinity": {"podAntiAffinity": _apart(place)},
        "initContainers": [
            {"name": "peers", "image": plan.image, "command": ["bash", "-c", _wait_for(peers)]},
        ],
        "containers": [besu],
        "volumes": [{"name": "network", "projected": {"defaultMode": 0o440, "sources": sources}}],
    }
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": _DISK}}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": _metadata(place),
        "spec": {
            "serviceName": place.name,
            "replicas": 1,
            "selector": {"matchLabels": {"node": place.name}},
            "template": {"metadata": {"labels": _labels(place)}, "spec": pod},
            "volumeClaimTemplates": [claim],
        },
    }


def _items(names: Any) -> list[dict[str, str]]:
    return [{"key": name, "path": name} for name in names]


def _apart(place: Place) -> dict[str, Any]:
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"role": place.role}}}
    return {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]}


def _wait_for(peers: Sequence[str]) -> str:
    return (
        f"end=$((SECONDS+{_WAIT_FOR_NAMES})); for peer in {' '.join(peers)}; do "
        'until getent hosts "$peer" || [ $SECONDS -ge $end ]; do sleep 1; done; done; true'
    )


def _rpc_host(place: Place) -> str:
    return "127.0.0.1" if place.role == "validator" else _EVERYWHERE
