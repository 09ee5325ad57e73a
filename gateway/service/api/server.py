"""The HTTP servers of this process: all on one event loop, on a thread of its own.

One loop, because NiceGUI, which makes the pages, knows one loop in a process; the thread is started by the first server
and idles when the last has stopped.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import uvicorn
from fastapi import FastAPI

from gateway.errors import ConfigurationError, ServerError

_START_S: Final = 15.0
_STOP_S: Final = 5.0

_LINGER_S: Final = 3
"""How long a request under way holds up the end; then it is broken off."""

_MESSAGE_BYTES: Final = 1 << 20
"""The longest message of a page's socket."""


@dataclass(frozen=True, slots=True)
class HttpTls:
    """PEM files: the certificate, followed by those between it and its authority, and its key."""

    certificate: Path
    key: Path

    def load(self, context: ssl.SSLContext) -> None:
        """Have a context show this certificate from its next handshake on.

        Raises
        ------
        ConfigurationError
            A file cannot be read, is none of these, or the key is another's.
        """
        try:
            context.load_cert_chain(self.certificate, self.key)
        except ssl.SSLError as error:
            raise ConfigurationError(
                f"certificate {self.certificate} with key {self.key}: {error.reason or 'not PEM'}"
            ) from None
        except OSError as error:
            what = f"certificate {self.certificate} with key {self.key}"
            raise ConfigurationError(f"{what} cannot be read: {error.strerror or error}") from None


class RunningServer:
    """A server that is answering; `stop` it, or use it in a `with`.

    Attributes
    ----------
    url : str
        Where it answers, such as ``http://127.0.0.1:8080``.
    """

    def __init__(
        self,
        server: uvicorn.Server,
        running: Future[None],
        url: str,
        before_stop: Callable[[], None],
        tls: HttpTls | None = None,
    ) -> None:
        self._tls = tls
        self._before_stop = before_stop
        self._server = server
        self._running = running
        self.url: Final = url

    def reload_certificate(self) -> None:
        """Read the certificate anew, as after its renewal; connections that are open go on with the old one.

        Raises
        ------
        ConfigurationError
            The new one cannot be used; the old one stays in use.
        """
        context = self._server.config.ssl
        if self._tls is not None and context is not None:
            self._tls.load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))  # half a pair would leave the context unusable
            self._tls.load(context)

    def stop(self) -> None:
        """Finish the requests under way and let go of the port. May be called twice."""
        self._before_stop()
        self._server.should_exit = True
        if wait([self._running], _STOP_S).not_done:
            self._server.force_exit = True
            wait([self._running], _STOP_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def serve(
    app: FastAPI, host: str, port: int, *, tls: HttpTls | None = None, trusted_proxies: str = "127.0.0.1"
) -> RunningServer:
    """Answer requests, from the servers' thread, until stopped; return once the first would be answered.

    Parameters
    ----------
    host : str
        Name or address to listen at; ``127.0.0.1`` for this machine alone.
    port : int
        0 for any that is free.
    tls : HttpTls or None
        Answer HTTPS, from TLS 1.2 on; None for plain HTTP.
    trusted_proxies : str
        Addresses or networks, by comma, whose word is taken for who asked and by which scheme.

    Raises
    ------
    ConfigurationError
        If the certificate or its key cannot be used.
    ServerError
        If the port is taken, not allowed, or the application does not start.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        ws="websockets-sansio",
        ws_max_size=_MESSAGE_BYTES,
        timeout_graceful_shutdown=_LINGER_S,
        forwarded_allow_ips=trusted_proxies,
    )
    config.load()
    if tls is not None:
        config.ssl = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
        tls.load(config.ssl)
    listener = _listen(host, port)
    server = uvicorn.Server(config)
    bound = int(listener.getsockname()[1])
    running = asyncio.run_coroutine_threadsafe(_run(server, listener), _loop(config))
    for _ in range(round(_START_S / 0.01)):
        if server.started or wait([running], 0.01).done:
            break
    if not server.started:
        server.should_exit = True
        listener.close()
        raise ServerError(f"the web server at {host}:{bound} did not start")
    shown = f"[{host}]" if ":" in host else host
    # Streams that never end by themselves are ended, or they would hold the server up.
    before_stop: Callable[[], None] = getattr(app.state, "before_stop", lambda: None)
    scheme = "http" if tls is None else "https"
    return RunningServer(server, running, f"{scheme}://{shown}:{bound}", before_stop, tls)


_ONE_LOOP: Final[list[asyncio.AbstractEventLoop]] = []
_STARTING: Final = threading.Lock()


def _loop(config: uvicorn.Config) -> asyncio.AbstractEventLoop:
    """The loop of this process's servers, which runs from the first of them on."""
    with _STARTING:
        if not _ONE_LOOP:
            make = config.get_loop_factory() or asyncio.new_event_loop
            _ONE_LOOP.append(make())
            threading.Thread(target=_ONE_LOOP[0].run_forever, name="http", daemon=True).start()
        return _ONE_LOOP[0]


async def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    try:
        await server.serve(sockets=[listener])
    except SystemExit:  # an application that does not start; it would end the loop of all
        return


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65_535:
        raise ServerError(f"no such port: {port}")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=256)
        # What is accepted inherits it. asyncio sets it only on sockets that say they are TCP, which these do not; and
        # without it each answer on a kept connection waits 40 ms for an acknowledgement (Nagle's algorithm).
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        raise ServerError(f"cannot listen at {host}:{port}: {error.strerror or error}") from error
