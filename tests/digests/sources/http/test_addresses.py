"""Addresses that sources may request: public ones only."""

import pytest

from digests.sources.http.addresses import is_public


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True), ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True), ("127.0.0.1", False),
        ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.0.1", False), ("169.254.169.254", False),
        ("100.100.100.200", False), ("0.0.0.0", False), ("224.0.0.1", False), ("255.255.255.255", False),
        ("168.63.129.16", False), ("::1", False), ("::", False), ("fe80::1%eth0", False),
        ("fd00:ec2::254", False), ("::ffff:10.0.0.1", False), ("::ffff:93.184.215.14", True),
        ("64:ff9b::a00:1", False), ("2002:a00:1::1", False), ("ff02::1", False),
    ],
)  # fmt: skip
def test_private_and_metadata_addresses_are_not_public(address: str, public: bool) -> None:
    assert is_public(address) is public
