"""Address of a cluster, and the certificates for it. This file loads nothing of Dask.

tcp://HOST:PORT   a scheduler
tls://HOST:PORT   a scheduler that asks for certificates
local:N           N new worker processes on this machine, with one thread each
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handmade.engine.arguments import described, refused
from handmade.engine.errors import HandmadeError

MOST = 1024  # processes on this machine
FORM = re.compile(r"(tcp|tls)://(\[[0-9a-fA-F:.]+\]|[\w.-]+):([0-9]{1,5})")
LOCAL = re.compile(r"local:([0-9]{1,9})")
OWN = re.compile(r"(tcp|tls)://(localhost|127(\.[0-9]+){3}|\[::1\]):")


class ClusterError(HandmadeError):
    """Error: the cluster cannot be used, or no longer."""


@dataclass(frozen=True)
class Certificates:
    """Files of TLS, in the format PEM.

    Parameters
    ----------
    ca : path or None
        Certificate of the authority that signed those of the scheduler, the workers and this process.
    cert, key : path or None
        Certificate of this process, and its private key.

    Raises
    ------
    HandmadeError
        If some of them are given and not all.
    """

    ca: str | Path | None = None
    cert: str | Path | None = None
    key: str | Path | None = None

    def __post_init__(self) -> None:
        given = {"tls_ca": self.ca, "tls_cert": self.cert, "tls_key": self.key}
        missing = [name for name, path in given.items() if path is None]
        if 0 < len(missing) < len(given):
            raise HandmadeError(
                f"{missing[0]}: expected a file with it, got none. Try all of tls_ca=..., tls_cert=..., tls_key=..."
            )

    def check_files(self) -> None:
        """Raise HandmadeError if one of them is no file."""
        for name, path in {"tls_ca": self.ca, "tls_cert": self.cert, "tls_key": self.key}.items():
            if path is not None and not Path(path).is_file():
                raise HandmadeError(f"{name}: expected a file, got {str(path)!r:.200}, which is none. Try another {name}=...")

    @property
    def given(self) -> bool:
        """True if there are certificates."""
        return self.ca is not None


def check_address(address: Any, certificates: Certificates | None = None) -> None:
    """Raise HandmadeError unless this is an address of a cluster, with certificates if it begins with tls://."""
    text = address if isinstance(address, str) else ""
    local, remote = LOCAL.fullmatch(text), FORM.fullmatch(text)
    if not (remote and 0 < int(remote[3]) < 2**16) and not (local and 0 < int(local[1]) <= MOST):
        form = f"tcp://HOST:PORT, tls://HOST:PORT or local:N for N from 1 to {MOST:,} processes"
        raise refused("cluster", form, described(address), "cluster='local:2'")
    given = certificates is not None and certificates.given
    if remote and (remote[1] == "tls") != given:
        expected = "certificates with tls://" if not given else "an address with tls:// and certificates"
        advice = "tls_ca=..., tls_cert=... and tls_key=..." if not given else f"cluster=tls://{remote[2]}:{remote[3]}"
        raise refused("cluster", expected, text, advice)
    if local and given:
        raise refused("cluster", "no certificates with processes of this machine", text, "leaving tls_ca=... out")


def warning(address: str) -> str | None:
    """Return a warning if the address is not this machine's own and the connection has no TLS; else None."""
    if LOCAL.fullmatch(address) or OWN.match(address) or address.startswith("tls://"):
        return None
    return (
        f"Warning: the connection to {address} has no TLS. Anyone on that network can run code on the workers. "
        "Try tls:// with tls_ca=..., tls_cert=... and tls_key=..."
    )
