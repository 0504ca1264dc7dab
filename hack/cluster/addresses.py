"""Which addresses a cluster uses: a /16 block of 10.0.0.0/8 for each, found by its name."""

import hashlib
import ipaddress
from collections.abc import Collection
from dataclasses import dataclass

# Away from what docker, kind, minikube and most office networks take.
FIRST_BLOCK = 200
BLOCKS = 50

Network = ipaddress.IPv4Network


@dataclass(frozen=True)
class Addresses:
    """The networks of one cluster, all in its block."""

    block: int

    @property
    def everything(self) -> Network:
        """The whole block."""
        return Network(f"10.{self.block}.0.0/16")

    @property
    def link(self) -> Network:
        """Between the host and the cluster's node."""
        return Network(f"10.{self.block}.0.0/30")

    @property
    def services(self) -> Network:
        """Services' cluster addresses."""
        return Network(f"10.{self.block}.16.0/20")

    @property
    def pods(self) -> Network:
        """Pods' addresses."""
        # A /22 because 250 pods that come and go would exhaust a /24.
        return Network(f"10.{self.block}.32.0/22")

    @property
    def host(self) -> str:
        """The host's, on the link."""
        return str(self.link[1])

    @property
    def node(self) -> str:
        """The node's, which is also where the host reaches the API and pods the DNS server."""
        return str(self.link[2])

    @property
    def kubernetes_service(self) -> str:
        """The API's as pods know it: the first of the services'."""
        return str(self.services[1])

    @property
    def pod_gateway(self) -> str:
        """The bridge's, as pods see the node."""
        return str(self.pods[1])


class NoFreeBlockError(Exception):
    """Each block overlaps with a route of the host."""


def choose(name: str, taken: Collection[Network]) -> Addresses:
    """The addresses of the cluster of that name, out of the way of networks that the host knows."""
    start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
    for offset in range(BLOCKS):
        candidate = Addresses(FIRST_BLOCK + (start + offset) % BLOCKS)
        if not any(candidate.everything.overlaps(network) for network in taken):
            return candidate
    raise NoFreeBlockError(f"no free /16 in 10.{FIRST_BLOCK}-{FIRST_BLOCK + BLOCKS - 1}.0.0")


def parse_routes(lines: str) -> list[Network]:
    """The networks in the output of `ip -4 route show table all`, without the default route."""
    networks = []
    for line in lines.splitlines():
        words = line.split()
        if words and words[0] in ("broadcast", "local", "unreachable", "blackhole"):
            words = words[1:]
        try:
            networks.append(Network(words[0], strict=False))
        except (IndexError, ValueError):
            continue
    return [network for network in networks if network.prefixlen > 0]
