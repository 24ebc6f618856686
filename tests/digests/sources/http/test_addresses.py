"""Addresses that sources may request: public ones only."""

import pytest

from digests.sources.http.addresses import describe_address, is_public


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
