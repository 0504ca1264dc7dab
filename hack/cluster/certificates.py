"""Which keys and certificates a cluster has, and who they make their holder."""

from dataclasses import dataclass

from cluster.layout import Cluster

CLUSTER_DOMAIN = "cluster.local"
AUTHORITIES = ("ca", "etcd-ca", "front-proxy-ca")
SERVICE_ACCOUNT_KEY = "service-account"
ADMINISTRATOR = "admin"
# Client certificates by file name: user, group.
COMPONENT_USERS = {
    "controller-manager": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "proxy": ("system:kube-proxy", ""),
    "dns": ("system:coredns", ""),
}
COMPONENTS_WITH_KUBECONFIG = (*COMPONENT_USERS, "kubelet")


@dataclass(frozen=True)
class Certificate:
    """A leaf certificate, as the `certs` program reads it."""

    name: str
    common_name: str
    organization: str = ""
    hosts: tuple[str, ...] = ()
    ca: str = "ca"

    def as_request(self) -> dict[str, object]:
        """One entry in the input of the `certs` program."""
        return {
            "name": self.name,
            "commonName": self.common_name,
            "organization": [self.organization] if self.organization else [],
            "hosts": list(self.hosts),
            "ca": self.ca,
        }


def wanted(cluster: Cluster) -> list[Certificate]:
    """The leaf certificates of a cluster."""
    loopback = ("localhost", "127.0.0.1")
    service = ("kubernetes", "kubernetes.default", "kubernetes.default.svc")
    certificates = [
        Certificate(
            "apiserver",
            "kube-apiserver",
            hosts=(
                *service,
                f"kubernetes.default.svc.{CLUSTER_DOMAIN}",
                *loopback,
                cluster.addresses.kubernetes_service,
                cluster.addresses.node,
            ),
        ),
        Certificate("apiserver-kubelet", "kube-apiserver-kubelet-client", "system:masters"),
        Certificate("apiserver-etcd", "kube-apiserver-etcd-client", ca="etcd-ca"),
        Certificate("etcd", "etcd", hosts=loopback, ca="etcd-ca"),
        Certificate(ADMINISTRATOR, "kubernetes-admin", "system:masters"),
        Certificate("front-proxy", "front-proxy-client", ca="front-proxy-ca"),
    ]
    if not cluster.api_only:
        certificates += [Certificate(name, *who) for name, who in COMPONENT_USERS.items()]
        node = f"system:node:{cluster.name}"
        certificates.append(
            Certificate("kubelet", node, "system:nodes", (cluster.name, cluster.addresses.node))
        )
    return certificates


def request(cluster: Cluster) -> dict[str, object]:
    """The input of the `certs` program."""
    return {
        "directory": str(cluster.certificates),
        "authorities": list(AUTHORITIES),
        "keyPairs": [SERVICE_ACCOUNT_KEY],
        "certificates": [certificate.as_request() for certificate in wanted(cluster)],
    }
