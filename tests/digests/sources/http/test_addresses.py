"""Addresses that sources may request, public ones only, and addresses in messages."""

import pytest

from digests.sources.http.addresses import describe_address, is_public

PUBLIC = (
    "1.1.1.1", "93.184.215.14", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0",
    "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
    "2001:4860:4860::8888", "2a00:1450:4001::200e", "2001:200::1", "3ffe:ffff::1", "::ffff:93.184.215.14",
    "64:ff9b::5db8:d70e", "2002:5db8:d70e::1", "2606:2800::5efe:5db8:d70e", "2606:2800::200:5efe:5db8:d70e",
)  # fmt: skip
"""Global unicast addresses, some at the edge of a range that is not."""

NOT_PUBLIC = {
    "IPv4 of a private network": ("10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1"),
    "IPv4 for special use": (
        "0.0.0.0", "0.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.0.1", "192.0.0.1",
        "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
        "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    ),
    "metadata": (
        "169.254.169.254", "169.254.170.2", "168.63.129.16", "192.0.0.192", "100.100.100.200",
        "fd00:ec2::254", "fd20:ce::254", "fe80::a9fe:a9fe", "::ffff:168.63.129.16", "64:ff9b::a83f:8110",
    ),
    "IPv6 for special use": (
        "::", "::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1", "ff0e::1", "100::1",
        "2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1ff:ffff::1", "2001:db8::1", "3fff::1",
        "5f00::1", "4000::1", "1fff::1", "fe00::1", "64:ff9b:2::1",
    ),
    "mapped": ("::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::ffff:192.0.0.192"),
    "compatible": ("::127.0.0.1", "::10.0.0.1", "::93.184.215.14"),
    "translated": ("::ffff:0:a9fe:a9fe", "::ffff:0:127.0.0.1", "::ffff:0:93.184.215.14"),
    "6to4": ("2002:a00:1::1", "2002:7f00:1::1", "2002:a9fe:a9fe::", "2002:c0a8:101::1"),
    "Teredo": ("2001:0:5db8:d70e:0:0:80ff:fffe", "2001:0:a00:1::1"),
    "NAT64": ("64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
    "NAT64 with a prefix of its own": ("64:ff9b:1::a00:1", "64:ff9b:1::5db8:d70e", "64:ff9b:1:ffff::1"),
    "ISATAP": ("2606:2800::5efe:a00:1", "2606:2800::200:5efe:7f00:1", "fe80::5efe:5db8:d70e"),
}  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_a_global_unicast_address_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("kind", "address"), [(kind, one) for kind, addresses in NOT_PUBLIC.items() for one in addresses]
)
def test_private_and_metadata_addresses_are_not_public(kind: str, address: str) -> None:
    assert not is_public(address), kind


@pytest.mark.parametrize("text", ["", "localhost", "0x7f.1", "127.1", "1.2.3.4.5", "010.0.0.1"])
def test_a_text_that_is_no_ip_address_is_not_judged(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        is_public(text)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://host/papers.jsonl", "https://host/papers.jsonl"),
        ("HTTPS://User:hunter2@Host.example:8443/a/b?token=hunter2#hunter2", "https://host.example:8443/a/b"),
        ("https://hunter2@host/@person", "https://host/@person"),
        ("https://a:b@hunter2@host/", "https://host/"),
        ("http://u:hunter2@[2001:db8::1]:8080/", "http://[2001:db8::1]:8080/"),
        ("http://host?hunter2", "http://host"),
    ],
)
def test_an_address_is_shown_without_user_password_query_and_fragment(address: str, shown: str) -> None:
    assert describe_address(address) == shown


@pytest.mark.parametrize(
    "address",
    [
        "", "hunter2", "hunter2@host", "//u:hunter2@host/", "http://u:hunter2", "http://u:hunter2/x@host/",
        "http://u:1/hunter2@host/", "http://u:hunter2?x@host/", "http://[hunter2", "http://:hunter2@/",
        "http://u:hunter2@host:port/",
    ],
)  # fmt: skip
def test_a_text_that_is_no_address_is_not_shown(address: str) -> None:
    assert describe_address(address) == "an address that cannot be read"


def test_an_address_stays_on_one_line_of_bounded_length() -> None:
    assert describe_address("http://host/a\x1b[31m\u202eb\x9b") == "http://host/a?[31m?b?"
    assert len(describe_address("http://host/" + "x" * 100_000)) == 200
