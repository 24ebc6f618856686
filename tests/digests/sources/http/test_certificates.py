"""Certificate authorities: those of the operating system too, read once for all clients."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from types import SimpleNamespace

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from digests.errors import SourceError
from digests.reviewers.openai import ModelServerError, ServerAddress, ServerFault, open_model_server
from digests.sources.http.certificates import create_tls_context
from digests.sources.http.client import RequestLimits, open_client
from tests.builders import NOW


@pytest.fixture(autouse=True)
def unread_authorities() -> Iterator[None]:
    """Let each test read the authorities itself, and leave those of none of them."""
    create_tls_context.cache_clear()
    yield
    create_tls_context.cache_clear()


@pytest.fixture(scope="module")
def company_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key, and the certificate for 127.0.0.1 that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A company")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path_factory.mktemp("company") / "authority.pem"
    file.write_bytes(private + certificate.public_bytes(pem))
    return file


def ask_company(company_file: Path) -> tuple[bytes | str, ServerFault | None]:
    """Ask a server with the company's certificate, as a source and as a model.

    Returns the source's body or its error, and the fault of the model: malformed, if it answered.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        writer.close()

    async def ask() -> tuple[bytes | str, ServerFault | None]:
        own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own.load_cert_chain(company_file)
        async with AsyncExitStack() as stack:
            listener = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=own)
            await stack.enter_async_context(listener)
            url = f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
            client = await stack.enter_async_context(open_client("", lambda: NOW, trusted_addresses=[url]))
            model = await stack.enter_async_context(open_model_server(ServerAddress(url, "m")))
            fault = None
            try:
                await model.list_models()
            except ModelServerError as error:
                fault = error.fault
            try:
                return (await client.get(url, "The company", limits=RequestLimits(attempts=1))).body, fault
            except SourceError as error:
                return str(error), fault

    return asyncio.run(ask())


def test_a_certificate_of_an_unknown_authority_is_refused(company_file: Path) -> None:
    outcome, fault = ask_company(company_file)
    assert "certificate verify failed" in str(outcome)
    assert fault is ServerFault.UNREACHABLE


def test_an_authority_of_the_operating_system_is_trusted(
    company_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = SimpleNamespace(openssl_cafile=str(company_file), openssl_capath="/nowhere")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    assert ask_company(company_file) == (b"hi", ServerFault.MALFORMED)


def test_the_authorities_are_read_once_for_all_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = list[str]()
    where = certifi.where

    def count_read() -> str:
        reads.append("certifi")
        return where()

    monkeypatch.setattr(certifi, "where", count_read)

    async def open_clients() -> None:
        for _ in range(2):
            async with (
                open_client("", lambda: NOW),
                open_model_server(ServerAddress("https://localhost/v1", "m")),
            ):
                pass

    asyncio.run(open_clients())
    assert reads == ["certifi"]
