"""The configuration files of what runs on the node."""

import json
from pathlib import Path

from cluster.certificates import CLUSTER_DOMAIN
from cluster.layout import Cluster

PAUSE_IMAGE = "tailrace.localhost/pause:1"
# The host as pods see it, for tests that serve something to them.
HOST_NAME = "host.tailrace.internal"
MAX_PODS = 250


def render(cluster: Cluster, cni_plugins: Path, *, restrict_oom_score: bool) -> dict[str, str]:
    """The content of each file under the cluster's configuration directory."""
    return {
        "kubelet.json": json.dumps(kubelet(cluster), indent=2),
        "proxy.json": json.dumps(proxy(cluster), indent=2),
        "scheduler.json": json.dumps(scheduler(cluster), indent=2),
        "cni/10-tailrace.conflist": json.dumps(cni(cluster), indent=2),
        "containerd.toml": containerd(cluster, cni_plugins, restrict_oom_score),
        "Corefile": corefile(cluster),
        "hosts": f"{cluster.addresses.host} {HOST_NAME}\n",
        "resolv.conf": f"nameserver {cluster.addresses.node}\n",
    }


def kubelet(cluster: Cluster) -> dict[str, object]:
    """The kubelet's configuration."""
    certificates = cluster.certificates
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{certificates}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{certificates}/kubelet.crt",
        "tlsPrivateKeyFile": f"{certificates}/kubelet.key",
        "containerRuntimeEndpoint": f"unix://{cluster.containerd_socket}",
        "clusterDomain": CLUSTER_DOMAIN,
        "clusterDNS": [cluster.addresses.node],
        "resolvConf": f"{cluster.configuration}/resolv.conf",
        "volumePluginDir": f"{cluster.directory}/volume-plugins",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cluster.cgroup}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "maxPods": MAX_PODS,
        # Images are loaded, not pulled: one that was collected would not come back.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
        },
        "serializeImagePulls": False,
        "registryPullQPS": 0,
        "eventRecordQPS": 0,
        "kubeAPIQPS": 500,
        "kubeAPIBurst": 1000,
    }


def proxy(cluster: Cluster) -> dict[str, object]:
    """kube-proxy's configuration."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(cluster.kubeconfig_of("proxy"))},
        "hostnameOverride": cluster.name,
        "mode": "iptables",
        "iptables": {"minSyncPeriod": "100ms"},
        # Requests that the host sends to a service's address come back through the node.
        "detectLocalMode": "ClusterCIDR",
        "clusterCIDR": str(cluster.addresses.pods),
        "bindAddress": cluster.addresses.node,
        "healthzBindAddress": "127.0.0.1:10256",
        # These limits are the whole machine's, not the cluster's.
        "conntrack": {
            "maxPerCore": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }


def scheduler(cluster: Cluster) -> dict[str, object]:
    """kube-scheduler's configuration."""
    return {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "leaderElection": {"leaderElect": False},
        "clientConnection": {
            "kubeconfig": str(cluster.kubeconfig_of("scheduler")),
            "qps": 500,
            "burst": 1000,
        },
    }


def cni(cluster: Cluster) -> dict[str, object]:
    """The pods' network: one bridge on the node."""
    return {
        "cniVersion": "1.0.0",
        "name": "tailrace",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": True,
                "ipMasq": True,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "dataDir": f"{cluster.directory}/cni",
                    "ranges": [[{"subnet": str(cluster.addresses.pods)}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def containerd(cluster: Cluster, cni_plugins: Path, restrict_oom_score: bool) -> str:
    """The configuration of containerd."""
    return f"""\
version = 2
root = "{cluster.containerd_data}"
state = "/run/containerd"

[grpc]
address = "{cluster.containerd_socket}"

[plugins."io.containerd.internal.v1.opt"]
path = "{cluster.directory}/opt"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE_IMAGE}"
restrict_oom_score_adj = {str(restrict_oom_score).lower()}

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{cni_plugins}"
conf_dir = "{cluster.configuration}/cni"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"""


def corefile(cluster: Cluster) -> str:
    """The DNS server's configuration."""
    # Nothing outside of the cluster is asked: a name that it does not know does not exist, at once.
    # Zones of their own, because the template plugin answers before the others in its zone.
    address = cluster.addresses.node
    return f"""\
{CLUSTER_DOMAIN} in-addr.arpa {{
    bind {address}
    errors
    ready 127.0.0.1:8181
    cache 5
    kubernetes {CLUSTER_DOMAIN} in-addr.arpa {{
        kubeconfig {cluster.kubeconfig_of("dns")}
        pods disabled
        ttl 5
    }}
}}
{HOST_NAME} {{
    bind {address}
    hosts {cluster.configuration}/hosts
}}
. {{
    bind {address}
    template ANY ANY {{
        rcode NXDOMAIN
    }}
}}
"""
