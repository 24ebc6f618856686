"""The certificate authorities that clients of sources and models trust."""

import ssl
from functools import cache
from pathlib import Path


@cache
def create_tls_context() -> ssl.SSLContext:
    """Create the context of all clients. It trusts certifi's authorities and those of the operating system.

    A server or a proxy inside a company may have a certificate of its own authority. Python's default context
    would take files from the environment. Reads files for 15 ms, once.
    """
    import certifi

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=certifi.where())
    system = ssl.get_default_verify_paths()
    if Path(system.openssl_cafile).is_file():
        context.load_verify_locations(cafile=system.openssl_cafile)
    if Path(system.openssl_capath).is_dir():
        context.load_verify_locations(capath=system.openssl_capath)
    return context
