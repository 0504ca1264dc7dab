"""Which addresses a task may connect to, decided on what a name resolves to and not on how it is written."""

import asyncio
import ipaddress
import socket
from dataclasses import replace

from tailrace_plugins.base import Network, TaskError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA = {ipaddress.ip_address(text) for text in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200")}
_SHARED = ipaddress.ip_network("100.64.0.0/10")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def refusal(address: str, network: Network) -> str | None:
    """Why an address may not be connected to; None where it may."""
    ip = _inner(ipaddress.ip_address(address.partition("%")[0]))
    if ip in _METADATA or ip.is_link_local:
        return "is a link-local or metadata address"
    if ip.is_loopback:
        return None if network.allow_loopback else "is this machine itself"
    if ip.is_unspecified or ip.is_multicast or (ip.version == 4 and (ip.is_reserved or ip in _NOWHERE)):  # noqa: PLR2004
        return "is no address of one machine"
    if (ip.is_private or ip in _SHARED) and not network.allow_private:
        return "is a private address"
    return None


_NOWHERE = ipaddress.ip_network("0.0.0.0/8")


def _inner(ip: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    if inner is None and ip in _NAT64:
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return inner or ip


def public_only(network: Network) -> Network:
    """The same without private addresses: for credentials that are bound to no host."""
    return replace(network, allow_private=False)


async def addresses(host: str, port: int, network: Network) -> list[str]:
    """The addresses of a host that may be connected to; TaskError where it has none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not a valid name"
        raise TaskError(f"the host {host} cannot be resolved: {reason}", "ConnectionFailed") from None
    known = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    refused = {address: reason for address in known if (reason := refusal(address, network))}
    allowed = [address for address in known if address not in refused]
    if allowed:
        return allowed
    why = "; ".join(f"{address} {reason}" for address, reason in refused.items())
    raise TaskError(f"the host {host} may not be called: {why}", "AddressRefused", retryable=False)
