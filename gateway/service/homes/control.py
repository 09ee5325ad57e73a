"""The thin client of the dynamic security plugin: one connection a conversation."""

from __future__ import annotations

import queue
import secrets
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from gateway.errors import BrokerError
from gateway.service.homes import dynsec
from gateway.wire.client import BrokerAddress, Connection, Message

ANSWER_S: Final = 10.0
"""The plugin answers within milliseconds; it writes its file anew for each command."""


class Control:
    """A conversation with the plugin, as the administrator that `address` names.

    Raises
    ------
    BrokerError
        From any method: the broker is away, refuses us, or its plugin does not answer, or refuses a command.
    """

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self._answers: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._connection = Connection(
            address,
            f"somnolink-admin-{secrets.token_hex(4)}",
            on_message=self._answers.put,
            on_lost=lambda _reason: self._answers.put(None),
        )

    def __enter__(self) -> Self:
        self._connection.open([dynsec.RESPONSE])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def run(self, commands: Sequence[dynsec.Command]) -> list[dynsec.Response]:
        """Have commands carried out, in order; returns when all are, and the plugin has them on disk."""
        answers: list[dynsec.Response] = []
        for some in dynsec.in_messages(commands):
            mark = secrets.token_hex(8)
            self._connection.publish(dynsec.CONTROL, dynsec.encode(some, mark))
            told = self._await(mark)
            if len(told) != len(some):
                raise BrokerError(f"broker at {self._address}: {len(told)} answers to {len(some)} commands")
            dynsec.check(told)
            answers += told
        return answers

    def held(self) -> dynsec.Held:
        """All clients and roles that the broker has."""
        found = dynsec.Held()
        for what in ("listClients", "listRoles"):
            offset, total = 0, 1
            while offset < total:
                (page,) = self.run([dynsec.listing(what, offset)])
                total = found.take(page)
                offset += dynsec.PAGE
        return found

    def _await(self, mark: str) -> list[dynsec.Response]:
        try:
            while True:
                message = self._answers.get(timeout=ANSWER_S)
                if message is None:
                    raise BrokerError(f"connection to the broker at {self._address} lost")
                told = dynsec.decode(message.payload)
                if any(one.correlationData == mark for one in told):
                    return told
        except queue.Empty:
            raise BrokerError(f"broker at {self._address} answers no dynamic security commands") from None
