import json
import shlex
import tomllib
from pathlib import Path

import pytest

from cluster import certificates, components, kubeconfigs, node_files
from cluster.layout import Cluster, Ports

TOOLS = Path("/tools")


@pytest.fixture
def with_node():
    return Cluster("one", api_only=False, block=207, ports=Ports())


@pytest.fixture
def api_only():
    return Cluster("api", api_only=True, block=208, ports=Ports(5001, 5002, 5003))


def commands(cluster):
    return {one.name: one for one in components.all_of(cluster, TOOLS)}


def flag(component, name):
    return next(word.split("=", 1)[1] for word in component.command if word.startswith(f"--{name}="))


def test_a_cluster_without_a_node_is_an_api_and_its_store(api_only):
    assert list(commands(api_only)) == ["etcd", "apiserver"]


def test_a_component_starts_after_others_that_exist(with_node):
    everyone = commands(with_node)
    seen = set()
    for component in everyone.values():
        assert seen.issuperset(component.after), component.name
        seen.add(component.name)


def test_without_a_node_everything_listens_on_the_loopback_address(api_only):
    everyone = commands(api_only)
    assert flag(everyone["apiserver"], "bind-address") == "127.0.0.1"
    assert flag(everyone["apiserver"], "secure-port") == "5001"
    assert flag(everyone["etcd"], "listen-client-urls") == "https://127.0.0.1:5002"


def test_tokens_can_be_signed_and_checked_in_both_sorts_of_clusters(with_node, api_only):
    for cluster in (with_node, api_only):
        server = commands(cluster)["apiserver"]
        assert flag(server, "service-account-signing-key-file").endswith("service-account.key")
        assert flag(server, "service-account-key-file").endswith("service-account.pub")
        assert flag(server, "api-audiences") == flag(server, "service-account-issuer")


def test_every_certificate_that_a_flag_names_is_made(with_node, api_only):
    for cluster in (with_node, api_only):
        made = {certificate.name for certificate in certificates.wanted(cluster)}
        made |= {*certificates.AUTHORITIES, certificates.SERVICE_ACCOUNT_KEY}
        texts = [shlex.join(one.command) for one in commands(cluster).values()]
        texts.append(json.dumps(node_files.kubelet(cluster)) if not cluster.api_only else "")
        words = " ".join(texts).replace('"', " ").replace("=", " ").replace(",", " ").split()
        named = {Path(word).stem for word in words if Path(word).parent == cluster.certificates}
        assert named <= made


def test_the_api_answers_under_each_of_its_names(with_node):
    server = next(one for one in certificates.wanted(with_node) if one.name == "apiserver")
    assert {"10.207.0.2", "10.207.16.1", "kubernetes.default.svc", "localhost"} <= set(server.hosts)


def test_the_kubelet_is_the_node_that_its_certificate_names(with_node):
    kubelet = next(one for one in certificates.wanted(with_node) if one.name == "kubelet")
    assert (kubelet.common_name, kubelet.organization) == ("system:node:one", "system:nodes")
    assert flag(commands(with_node)["kubelet"], "hostname-override") == "one"


def test_the_kubelet_keeps_to_the_clusters_directory(with_node):
    assert flag(commands(with_node)["kubelet"], "root-dir") == "/var/lib/tailrace/one/kubelet"


def test_pods_are_kept_in_the_clusters_own_cgroup(with_node):
    assert node_files.kubelet(with_node)["cgroupRoot"] == "/tailrace/one"


@pytest.mark.parametrize("restricted", [True, False])
def test_the_container_runtime_keeps_to_the_clusters_directory(with_node, restricted):
    rendered = tomllib.loads(node_files.containerd(with_node, Path("/plugins"), restricted))
    runtime = rendered["plugins"]["io.containerd.grpc.v1.cri"]
    assert rendered["root"] == "/var/lib/tailrace/one/containerd"
    assert rendered["grpc"]["address"] == "/var/lib/tailrace/one/containerd.sock"
    assert runtime["restrict_oom_score_adj"] is restricted
    assert runtime["cni"]["bin_dir"] == "/plugins"


def test_pods_get_addresses_of_the_cluster(with_node):
    (bridge, _) = node_files.cni(with_node)["plugins"]
    assert bridge["ipam"]["ranges"] == [[{"subnet": "10.207.32.0/22"}]]


def test_the_dns_server_answers_where_the_kubelet_says_it_does(with_node):
    (address,) = node_files.kubelet(with_node)["clusterDNS"]
    assert node_files.corefile(with_node).count(f"bind {address}\n") == 3


def test_a_kubeconfig_holds_its_certificates(tmp_path):
    for name in ("ca.crt", "admin.crt", "admin.key"):
        (tmp_path / name).write_text(name)
    rendered = json.loads(kubeconfigs.render("one", "https://10.207.0.2:6443", tmp_path, "admin"))
    assert rendered["current-context"] == "one"
    assert rendered["users"][0]["user"] == {
        "client-certificate-data": "YWRtaW4uY3J0",
        "client-key-data": "YWRtaW4ua2V5",
    }
