import pytest

from tailrace_plugins.base import Network, TaskError
from tailrace_plugins.network import addresses, public_only, refusal

PUBLIC_ONLY = Network(allow_private=False)
IN_CLUSTER = Network(allow_private=True)
ALL = Network(allow_private=True, allow_loopback=True)


@pytest.mark.parametrize(
    ("address", "public", "in_cluster"),
    [
        pytest.param("93.184.215.14", True, True, id="a public address"),
        pytest.param("2606:2800:220:1::1", True, True, id="a public address of version 6"),
        pytest.param("10.0.0.1", False, True, id="private"),
        pytest.param("172.16.0.1", False, True, id="private, of the second range"),
        pytest.param("192.168.1.1", False, True, id="private, of the third range"),
        pytest.param("100.64.0.1", False, True, id="shared by carriers, used by clusters"),
        pytest.param("fd12::1", False, True, id="private of version 6"),
        pytest.param("127.0.0.1", False, False, id="loopback"),
        pytest.param("127.8.8.8", False, False, id="loopback's whole range"),
        pytest.param("::1", False, False, id="loopback of version 6"),
        pytest.param("::ffff:127.0.0.1", False, False, id="loopback in a mapped address"),
        pytest.param("::ffff:10.0.0.1", False, True, id="private in a mapped address"),
        pytest.param("64:ff9b::7f00:1", False, False, id="loopback behind NAT64"),
        pytest.param("2002:7f00:1::", False, False, id="loopback in 6to4"),
        pytest.param("169.254.169.254", False, False, id="the metadata service"),
        pytest.param("169.254.1.1", False, False, id="link-local"),
        pytest.param("fe80::1%eth0", False, False, id="link-local of version 6, with its interface"),
        pytest.param("fd00:ec2::254", False, False, id="the metadata service of version 6"),
        pytest.param("100.100.100.200", False, False, id="another cloud's metadata service"),
        pytest.param("64:ff9b::a9fe:a9fe", False, False, id="the metadata service behind NAT64"),
        pytest.param("0.0.0.0", False, False, id="no address"),  # noqa: S104 — it is refused
        pytest.param("0.1.2.3", False, False, id="this network"),
        pytest.param("::", False, False, id="no address of version 6"),
        pytest.param("224.0.0.1", False, False, id="multicast"),
        pytest.param("255.255.255.255", False, False, id="broadcast"),
    ],
)
def test_which_addresses_may_be_called(address, public, in_cluster):
    assert (refusal(address, PUBLIC_ONLY) is None) is public
    assert (refusal(address, IN_CLUSTER) is None) is in_cluster


def test_loopback_can_be_allowed_and_metadata_never():
    assert refusal("127.0.0.1", ALL) is None
    assert refusal("169.254.169.254", ALL) is not None


def test_what_is_for_public_hosts_only():
    assert public_only(ALL) == Network(allow_private=False, allow_loopback=True)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "127.1", "::1"])
async def test_a_name_is_judged_by_what_it_resolves_to(host):
    with pytest.raises(TaskError, match="is this machine itself") as error:
        await addresses(host, 80, IN_CLUSTER)
    assert (error.value.reason, error.value.retryable) == ("AddressRefused", False)
    assert set(await addresses(host, 80, ALL)) <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70 + ".com", "\udc80"])
async def test_a_name_that_cannot_be_resolved_may_be_tried_again(host):
    with pytest.raises(TaskError, match="cannot be resolved") as error:
        await addresses(host, 80, IN_CLUSTER)
    assert error.value.retryable
