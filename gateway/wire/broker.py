"""The embedded broker: amqtt in a thread of its own, on loopback, for the demo and a first look. Not durable."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import threading
from dataclasses import dataclass
from typing import Final

from amqtt.broker import Broker
from amqtt.contexts import Action as AmqttAction
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from gateway.errors import BrokerError
from gateway.wire.access import allowed
from gateway.wire.client import BrokerAddress

START_TIMEOUT_S: Final = 20.0
BLOCK_TIMEOUT_S: Final = 5.0


_USERS: Final[dict[str, dict[str, str]]] = {}
"""User names and passwords of each broker that runs: amqtt copies a plugin's settings, and these change."""


class CredentialsPlugin(BaseAuthPlugin):  # type: ignore[misc]  # amqtt ships no types
    """Lets in who is on the broker's list; nobody else, and nobody without a password."""

    @dataclass
    class Config:
        """Which broker's list."""

        broker: str = ""

    async def authenticate(self, *, session: Session) -> bool:
        """Compare in constant time."""
        password = _USERS.get(self.config.broker, {}).get(session.username or "")
        return password is not None and secrets.compare_digest(password, session.password or "")


class TopicRulesPlugin(BaseTopicPlugin):  # type: ignore[misc]  # amqtt ships no types
    """The rule of `gateway.wire.access`."""

    @dataclass
    class Config:
        """Nothing to set."""

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: AmqttAction | None = None
    ) -> bool:
        """Allow what the rule allows; a message on its way out was allowed when it was subscribed to."""
        if session is None or topic is None or not session.username:
            return False
        if action == AmqttAction.RECEIVE:
            return True
        return allowed(session.username, "write" if action == AmqttAction.PUBLISH else "read", topic)


class EmbeddedBroker:
    """A broker for as long as the `with` block runs.

    Parameters
    ----------
    users : sequence of str
        Who may connect; each gets a random password for the life of the broker (`address(user)`).
    port : int
        0 takes a free one.

    Raises
    ------
    BrokerError
        The port is taken, or the broker did not start.
    """

    def __init__(self, users: list[str], port: int = 0) -> None:
        self._name = secrets.token_hex(8)
        self._passwords = {user: secrets.token_urlsafe(24) for user in users}
        self._port = port
        self._broker: Broker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="embedded-broker", daemon=True)

    def address(self, user: str) -> BrokerAddress:
        """Where `user` connects, with the password made for it."""
        return BrokerAddress("127.0.0.1", self._port, username=user, password=self._passwords[user])

    @property
    def url(self) -> str:
        """Where it is, for whoever is on this machine."""
        return f"mqtt://127.0.0.1:{self._port}"

    def users(self) -> frozenset[str]:
        """Who may connect."""
        return frozenset(self._passwords)

    def admit(self, user: str, password: str) -> None:
        """Let a user in with that password from now on."""
        self._passwords[user] = password

    def block(self, user: str) -> None:
        """Let a user in no more, and end the connections they have.

        Raises
        ------
        BrokerError
            The broker does not run, or did not end them in time.
        """
        self._passwords.pop(user, None)
        if self._loop is None or self._broker is None:
            raise BrokerError("the embedded broker does not run")
        ending = asyncio.run_coroutine_threadsafe(self._end(self._broker, user), self._loop)
        try:
            ending.result(BLOCK_TIMEOUT_S)
        except TimeoutError:
            raise BrokerError(f"the embedded broker did not end the connection of {user}") from None

    @staticmethod
    async def _end(broker: Broker, user: str) -> None:
        for session, handler in list(broker.sessions.values()):
            if session.username == user:
                await handler.handle_connection_closed()

    def __enter__(self) -> EmbeddedBroker:
        """Start; returns when the port listens."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self._port))
            except OSError as error:
                raise BrokerError(f"port {self._port} on 127.0.0.1 is not free for the broker: {error}") from None
            self._port = probe.getsockname()[1]
        self._thread.start()
        if not self._started.wait(START_TIMEOUT_S) or self._failure is not None:
            raise BrokerError(f"the embedded broker did not start: {self._failure or 'no answer'}")
        return self

    def __exit__(self, *_: object) -> None:
        """Stop and wait for the thread."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(START_TIMEOUT_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # handed to the thread that waits in __enter__
            self._failure = error
        finally:
            _USERS.pop(self._name, None)
            self._started.set()

    async def _serve(self) -> None:
        # amqtt tells as errors, with traceback, what is no fault here: a subscriber too busy to answer in time, a
        # client gone in the middle of a message. Whoever has to act learns of it: the outbox sends again what nobody
        # confirms, and each side reports the loss of its own connection.
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        module = __name__
        _USERS[self._name] = self._passwords
        broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self._port}"}},
                "plugins": {
                    f"{module}.CredentialsPlugin": {"broker": self._name},
                    f"{module}.TopicRulesPlugin": {},
                },
            },
            loop=self._loop,
        )
        await broker.start()
        self._broker = broker
        self._started.set()
        await self._stop.wait()
        await broker.shutdown()
