"""The programs of a cluster and their flags."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster.certificates import CLUSTER_DOMAIN, SERVICE_ACCOUNT_KEY
from cluster.layout import Cluster

ISSUER = f"https://kubernetes.default.svc.{CLUSTER_DOMAIN}"


@dataclass(frozen=True)
class Component:
    """A program that the supervisor keeps running.

    It is ready once `ready` answers: a URL with status 200, a port `host:port` that accepts, or
    a socket's path that exists. It is first started when all of `after` are ready.
    """

    name: str
    command: tuple[str, ...]
    ready: str = ""
    after: tuple[str, ...] = ()


def all_of(cluster: Cluster, tools: Path) -> list[Component]:
    """The components of a cluster in the order in which they start."""
    return list(_node(cluster, tools) if not cluster.api_only else _control_plane(cluster, tools))


def _control_plane(cluster: Cluster, tools: Path) -> Iterator[Component]:
    yield _etcd(cluster, tools)
    yield _apiserver(cluster, tools)


def _node(cluster: Cluster, tools: Path) -> Iterator[Component]:
    # The container runtime needs nothing and is slow to start, so it goes first.
    yield _containerd(cluster)
    yield from _control_plane(cluster, tools)
    yield _controller_manager(cluster, tools)
    yield _scheduler(cluster, tools)
    yield _kubelet(cluster, tools)
    yield _proxy(cluster, tools)
    yield _dns(cluster, tools)


def _etcd(cluster: Cluster, tools: Path) -> Component:
    certificates = cluster.certificates
    client = f"https://127.0.0.1:{cluster.ports.etcd}"
    peer = f"http://127.0.0.1:{cluster.ports.etcd_peer}"
    return Component(
        "etcd",
        (
            f"{tools}/etcd",
            f"--name={cluster.name}",
            f"--data-dir={cluster.etcd_data}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster={cluster.name}={peer}",
            f"--cert-file={certificates}/etcd.crt",
            f"--key-file={certificates}/etcd.key",
            f"--trusted-ca-file={certificates}/etcd-ca.crt",
            "--client-cert-auth",
            # What a power cut loses here is a development cluster.
            "--unsafe-no-fsync",
            "--quota-backend-bytes=8589934592",
            "--auto-compaction-retention=1h",
            "--log-level=warn",
        ),
        ready=f"127.0.0.1:{cluster.ports.etcd}",
    )


def _apiserver(cluster: Cluster, tools: Path) -> Component:
    certificates = cluster.certificates
    key = f"{certificates}/{SERVICE_ACCOUNT_KEY}"
    flags = [
        f"--etcd-servers=https://127.0.0.1:{cluster.ports.etcd}",
        f"--etcd-cafile={certificates}/etcd-ca.crt",
        f"--etcd-certfile={certificates}/apiserver-etcd.crt",
        f"--etcd-keyfile={certificates}/apiserver-etcd.key",
        f"--secure-port={cluster.ports.apiserver}",
        f"--tls-cert-file={certificates}/apiserver.crt",
        f"--tls-private-key-file={certificates}/apiserver.key",
        f"--client-ca-file={certificates}/ca.crt",
        f"--service-cluster-ip-range={cluster.addresses.services}",
        f"--service-account-issuer={ISSUER}",
        f"--api-audiences={ISSUER}",
        f"--service-account-key-file={key}.pub",
        f"--service-account-signing-key-file={key}.key",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        "--profiling=false",
        # Aggregated APIs trust the user that these headers name.
        f"--requestheader-client-ca-file={certificates}/front-proxy-ca.crt",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={certificates}/front-proxy.crt",
        f"--proxy-client-key-file={certificates}/front-proxy.key",
    ]
    if cluster.api_only:
        flags += [
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            # A loopback address is not allowed in the endpoints of the service `kubernetes`.
            "--endpoint-reconciler-type=none",
            # No controller makes the service account that it would ask of a pod.
            "--disable-admission-plugins=ServiceAccount",
        ]
    else:
        flags += [
            f"--advertise-address={cluster.addresses.node}",
            f"--kubelet-certificate-authority={certificates}/ca.crt",
            f"--kubelet-client-certificate={certificates}/apiserver-kubelet.crt",
            f"--kubelet-client-key={certificates}/apiserver-kubelet.key",
            # No DNS server knows the node's name.
            "--kubelet-preferred-address-types=InternalIP",
        ]
    return Component(
        "apiserver",
        (f"{tools}/kube-apiserver", *flags),
        ready=f"{cluster.server}/readyz",
        after=("etcd",),
    )


def _controller_manager(cluster: Cluster, tools: Path) -> Component:
    certificates = cluster.certificates
    many = ("deployment", "gc", "job", "namespace", "replicaset", "service-endpoint")
    kubeconfig = cluster.kubeconfig_of("controller-manager")
    return Component(
        "controller-manager",
        (
            f"{tools}/kube-controller-manager",
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            "--bind-address=127.0.0.1",
            "--leader-elect=false",
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={certificates}/{SERVICE_ACCOUNT_KEY}.key",
            f"--root-ca-file={certificates}/ca.crt",
            f"--cluster-signing-cert-file={certificates}/ca.crt",
            f"--cluster-signing-key-file={certificates}/ca.key",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            *(f"--concurrent-{kind}-syncs=30" for kind in many),
        ),
        ready="127.0.0.1:10257",
        after=("apiserver",),
    )


def _scheduler(cluster: Cluster, tools: Path) -> Component:
    return Component(
        "scheduler",
        (
            f"{tools}/kube-scheduler",
            f"--config={cluster.configuration}/scheduler.json",
            "--bind-address=127.0.0.1",
        ),
        ready="127.0.0.1:10259",
        after=("apiserver",),
    )


def _containerd(cluster: Cluster) -> Component:
    return Component(
        "containerd",
        ("containerd", f"--config={cluster.configuration}/containerd.toml"),
        ready=str(cluster.containerd_socket),
    )


def _kubelet(cluster: Cluster, tools: Path) -> Component:
    return Component(
        "kubelet",
        (
            f"{tools}/kubelet",
            f"--config={cluster.configuration}/kubelet.json",
            f"--kubeconfig={cluster.kubeconfig_of('kubelet')}",
            # Two kubelets with one directory remove each other's pods from it.
            f"--root-dir={cluster.directory}/kubelet",
            f"--hostname-override={cluster.name}",
            f"--node-ip={cluster.addresses.node}",
        ),
        ready="http://127.0.0.1:10248/healthz",
        after=("containerd", "apiserver"),
    )


def _proxy(cluster: Cluster, tools: Path) -> Component:
    return Component(
        "proxy",
        (f"{tools}/kube-proxy", f"--config={cluster.configuration}/proxy.json"),
        ready="http://127.0.0.1:10256/livez",
        after=("apiserver",),
    )


def _dns(cluster: Cluster, tools: Path) -> Component:
    return Component(
        "dns",
        (f"{tools}/coredns", f"-conf={cluster.configuration}/Corefile"),
        ready="http://127.0.0.1:8181/ready",
        after=("apiserver",),
    )
