"""A server as a child process: started, waited for, killed, restarted on the same data, killed at the end."""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Final, Self

START_TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 10.0
POLL_S: Final = 0.02


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now.

    Below the range from which systems give ports to whoever asks for any (from 32,768 on Linux): a server that is
    killed and started again, while other tests run, finds its port free.
    """
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def accepts(port: int) -> bool:
    """Whether something accepts connections on this loopback port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


class ServerProcess(ABC):
    """One server program; a subclass says how it is configured, started and asked whether it is ready.

    Attributes
    ----------
    host, port
        Where it listens; the port stays the same over restarts.
    folder : Path
        Its configuration, data and log (`server.log`); deleted at the end.
    """

    host = "127.0.0.1"

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"somnolink-{name}-"))
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The command line; configuration files are written before it is first run."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers."""

    def start(self) -> None:
        """Start it and return when it answers."""
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.is_ready():
            status = self._process.poll()
            if status is not None or time.monotonic() > deadline:
                what = "is not ready in time" if status is None else f"ended with status {status}"
                self.kill9()
                raise RuntimeError(f"{self.name} {what}: {self.log()[-2000:]}")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """Ask it to end (SIGTERM), and wait."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def kill9(self) -> None:
        """Kill it (SIGKILL), as a crash would; its data stay."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Start it again on the same data and port, after ending it if it runs."""
        self.stop()
        self.start()

    @property
    def pid(self) -> int:
        """Its process id while it runs."""
        if self._process is None:
            raise RuntimeError(f"{self.name} does not run")
        return self._process.pid

    def log(self) -> str:
        """What it has printed so far."""
        return (self.folder / "server.log").read_text(errors="replace")

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill9()
        shutil.rmtree(self.folder, ignore_errors=True)
