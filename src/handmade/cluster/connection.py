"""Connection to a cluster of Dask: its address, workers on this machine, TLS. Each error is one line.

tcp://HOST:PORT   a scheduler
tls://HOST:PORT   a scheduler that asks for certificates
local:N           N new worker processes on this machine, with one thread each
"""

import os
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from importlib import import_module
from typing import Any

from handmade.cluster.address import FORM, LOCAL, Certificates, ClusterError, check_address
from handmade.cluster.logs import quiet
from handmade.engine.errors import HandmadeError
from handmade.engine.extras import not_installed

CONNECTING = 10.0  # seconds for the scheduler to answer
WORKERS = 60.0  # seconds for the first worker to connect
HANDSHAKE = 3.0  # seconds for a server to show that it has TLS
LONGEST_GREETING = 2**16  # bytes


@contextmanager
def connect(
    address: str, certificates: Certificates | None = None, *, connecting: float | None = None, workers: float | None = None
) -> Iterator[Any]:
    """Connect to a cluster, wait for its first worker, and provide the client.

    Parameters
    ----------
    address : str
        Address of a scheduler, or local:N for N new processes, which end with the context.
    certificates : Certificates, optional
        Files of TLS, for an address that begins with tls://.
    connecting, workers : float, optional
        Seconds to wait for the scheduler, and for the first worker.

    Yields
    ------
    distributed.Client

    Raises
    ------
    ClusterError
        If nothing answers there, or something else than a scheduler of Dask, or no worker connects in time.
    HandmadeError
        If the address or the certificates are none, or Dask is not installed.
    """
    check_address(address, certificates)
    if certificates is not None:
        certificates.check_files()
    dask = _dask()
    with quiet(), ExitStack() as stack:
        local = LOCAL.fullmatch(address)
        security, seconds = _security(dask, certificates), CONNECTING if connecting is None else connecting
        if local is None:
            check_scheduler(address, None if security is None else security.get_connection_args("client")["ssl_context"], seconds)
        there: Any = stack.enter_context(_local(dask, int(local[1]))) if local else address
        try:
            client = dask.Client(there, security=security, timeout=seconds, set_as_default=False)
        except Exception as error:  # noqa: BLE001  whatever listens there may cause any error
            raise _not_connected(address, f"it does not answer ({_line(error)})") from None
        stack.enter_context(_closing(client))
        if local:
            client.register_plugin(import_module("handmade.cluster.plugins").WithoutInterrupts())
        _wait_for_workers(client, address, WORKERS if workers is None else workers)
        yield client


def dashboard(client: Any) -> str | None:
    """Return the address of the dashboard of a scheduler; None if the scheduler has no bokeh, which shows it."""
    version = import_module("importlib.metadata").version
    try:
        client.run_on_scheduler(version, "bokeh")
    except Exception:  # noqa: BLE001  it is raised on the other machine
        return None
    return str(client.dashboard_link) or None


def _dask() -> Any:
    try:
        return import_module("distributed")
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in {"distributed", "dask"}:
            raise
        raise HandmadeError(not_installed("cluster", "Dask", "dask")) from None


def _security(dask: Any, certificates: Certificates | None) -> Any:
    if certificates is None or not certificates.given:
        return None
    ca, cert, key = (str(each) for each in (certificates.ca, certificates.cert, certificates.key))
    security = dask.Security(tls_ca_file=ca, tls_client_cert=cert, tls_client_key=key, require_encryption=True)
    try:
        security.get_connection_args("client")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise HandmadeError(
                f"tls_key: expected the private key of {cert}, got another in {key}. Try its tls_key=..."
            ) from None
        raise _no_certificates(error) from None
    except OSError as error:
        raise _no_certificates(error) from None
    return security


def _no_certificates(error: OSError) -> HandmadeError:
    expected = "expected certificates and a key in PEM"
    return HandmadeError(
        f"tls_ca, tls_cert and tls_key: {expected}, got {_line(error)}. Try files of the form that openssl writes"
    )


@contextmanager
def _local(dask: Any, count: int) -> Iterator[Any]:
    """Provide a cluster of processes on this machine, which only this machine can reach."""
    config = import_module("dask.config")
    options = {"distributed.scheduler.worker-saturation": 1.0}  # a worker has one task, the next one waits at the scheduler
    show = ":0" if import_module("importlib.util").find_spec("bokeh") else None
    with ExitStack() as stack:
        stack.enter_context(_same_environment(config.get("distributed.nanny.pre-spawn-environ", {})))
        stack.enter_context(config.set(options))
        try:
            cluster = dask.LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=show,
                memory_limit=0,
                silence_logs=50,
            )
        except Exception as error:  # noqa: BLE001  of the system: too many processes, no free port
            raise ClusterError(f"cluster: expected {count} new processes; they cannot start ({_line(error)})") from None
        stack.enter_context(_closing(cluster))
        yield cluster


@contextmanager
def _same_environment(names: Iterable[str]) -> Iterator[None]:
    """Restore variables of this process, which Dask sets for the processes that it starts."""
    before = {name: os.environ.get(name) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _closing(opened: Any) -> Iterator[None]:
    """Close a client or a cluster at the end; an error while closing is of no interest."""
    try:
        yield
    finally:
        with suppress(Exception):
            opened.close(timeout=5)


def _wait_for_workers(client: Any, address: str, seconds: float) -> None:
    try:
        client.wait_for_workers(1, timeout=seconds)
    except TimeoutError:
        where = client.scheduler.address
        raise ClusterError(
            f"{address}: expected a worker within {seconds:g} s, got none. Start one with: dask worker {where}"
        ) from None
    except OSError as error:
        raise ClusterError(f"{address}: the scheduler went away ({_line(error)}). Start it again") from None


def check_scheduler(address: str, tls: ssl.SSLContext | None, seconds: float) -> None:
    """Raise ClusterError unless a scheduler answers within some seconds: it speaks first, and names its version of Python.

    Dask itself would wait long for a server of another kind, which waits for the client to speak first.
    """
    found = FORM.fullmatch(address)
    assert found is not None
    try:
        with (
            socket.create_connection((found[2].strip("[]"), int(found[3])), timeout=seconds) as plain,
            tls.wrap_socket(plain) if tls else nullcontext(plain) as connection,
        ):
            if not _greets(connection, time.monotonic() + seconds):
                raise _not_connected(address, "something else listens there")
    except ConnectionRefusedError:
        raise _not_connected(address, "nothing listens there") from None
    except TimeoutError:
        if tls is None and _has_tls(found[2].strip("[]"), int(found[3])):
            advice = f"Try cluster='tls://{found[2]}:{found[3]}' with tls_ca=..., tls_cert=... and tls_key=..."
            raise _not_connected(address, "something else listens there, a server with TLS", advice) from None
        raise _not_connected(address, f"no answer within {seconds:g} s: something else listens there, or nothing") from None
    except ssl.SSLError as error:
        raise _not_connected(address, *_tls_reason(error, f"tcp://{found[2]}:{found[3]}")) from None
    except OSError as error:
        raise _not_connected(address, f"it cannot be reached ({_line(error)})") from None


def check_connected(client: Any) -> None:
    """Raise ClusterError if the scheduler of a client does not answer any more."""
    address = client.scheduler.address if client.scheduler is not None else ""
    if not FORM.fullmatch(address):
        return  # in this process
    try:
        check_scheduler(address, client.security.get_connection_args("client").get("ssl_context"), CONNECTING)
    except ClusterError:
        raise ClusterError(f"{address}: the scheduler went away. Start it again, and resume the run") from None


def _greets(connection: socket.socket, end: float) -> bool:
    """Return True if the other side begins as a scheduler does; raise TimeoutError at the time `end`."""
    greeting = b""
    while b"python" not in greeting:
        connection.settimeout(max(end - time.monotonic(), 0.001))
        more = connection.recv(4096)
        greeting += more
        if not more or len(greeting) > LONGEST_GREETING:
            return False
    return True


def _tls_reason(error: ssl.SSLError, without: str) -> tuple[str, str]:
    """Return the reason why there is no connection with TLS, and an advice; `without` is the address without TLS."""
    reason, no = str(error.reason), "no connection with these certificates"
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"{no}: tls_ca has not signed that of the scheduler ({error.verify_message})",
            "Try the tls_ca=... of the scheduler",
        )
    if reason == "WRONG_VERSION_NUMBER":
        return "something without TLS listens there", f"Try cluster='{without}' without certificates"
    if "ALERT" in reason:
        return (
            f"{no}: the scheduler refuses that of tls_cert ({reason})",
            "Try one that the tls_ca=... of the scheduler has signed",
        )
    return f"{no} ({_line(error)})", "Try the certificates of the scheduler"


def _has_tls(host: str, port: int) -> bool:
    """Return True if a server begins a connection with TLS; its certificate is of no interest."""
    anything = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anything.check_hostname, anything.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), timeout=HANDSHAKE) as plain, anything.wrap_socket(plain):
            return True
    except ssl.SSLError as error:
        return "ALERT" in str(error.reason)
    except OSError:
        return False


def _not_connected(
    address: str, got: str, advice: str = "Start one with: dask scheduler, or try cluster='local:2'"
) -> ClusterError:
    return ClusterError(f"{address}: expected a scheduler of Dask; {got}. {advice}")


def _line(error: BaseException) -> str:
    """Return an error as a short line."""
    return f"{type(error).__name__}: {' '.join(str(error).split()):.160}"
