import ipaddress
import itertools

import pytest

from cluster.addresses import BLOCKS, FIRST_BLOCK, Addresses, NoFreeBlockError, choose, parse_routes

ROUTES = """\
default via 192.0.2.1 dev eth0
10.207.0.0/30 dev tr1967ded90953 proto kernel scope link src 10.207.0.1
local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1
broadcast 192.0.2.255 dev eth0 table local proto kernel scope link src 192.0.2.2
unreachable 10.9.0.0/16
"""


def every_block():
    return [Addresses(FIRST_BLOCK + number).everything for number in range(BLOCKS)]


def test_the_networks_of_a_cluster_lie_in_its_block_and_do_not_overlap():
    addresses = Addresses(207)
    networks = [addresses.link, addresses.services, addresses.pods]
    assert all(network.subnet_of(addresses.everything) for network in networks)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(networks, 2))


def test_the_link_joins_host_and_node():
    addresses = Addresses(207)
    assert (addresses.host, addresses.node) == ("10.207.0.1", "10.207.0.2")
    assert addresses.kubernetes_service == "10.207.16.1"


def test_a_name_has_the_same_addresses_each_time():
    assert choose("tailrace-dev", []) == choose("tailrace-dev", [])


def test_a_network_that_is_taken_is_avoided():
    first = choose("tailrace-dev", [])
    second = choose("tailrace-dev", [ipaddress.ip_network(f"10.{first.block}.3.0/24")])
    assert second.block != first.block


def test_the_last_free_block_is_found():
    *taken, free = every_block()
    assert choose("tailrace-dev", taken).everything == free


def test_no_free_block_is_an_error():
    with pytest.raises(NoFreeBlockError):
        choose("tailrace-dev", every_block())


def test_routes_are_read_without_the_default_route():
    networks = [str(network) for network in parse_routes(ROUTES)]
    assert networks == ["10.207.0.0/30", "127.0.0.0/8", "192.0.2.255/32", "10.9.0.0/16"]
