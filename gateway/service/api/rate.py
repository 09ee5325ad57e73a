"""How much one client may ask: a bucket of requests that fills by the second, and that refusals empty faster."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.service.api.problems import problem
from gateway.service.sign_in.places import place_of

REFUSED_COST: Final = 10
"""A request that ends in 401 or 403 takes as much as so many: who guesses is slowed down first."""

MAX_CLIENTS: Final = 10_000
"""Clients remembered at once, some 200 bytes each; the one not heard of for longest is forgotten."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Requests that one client may make: `burst` at once, `per_s` a second in the long run.

    Raises
    ------
    ValueError
        Either is not positive.
    """

    per_s: float
    burst: int

    def __post_init__(self) -> None:
        if not (self.per_s > 0 and self.burst > 0):
            raise ValueError("a rate limit is a positive number of requests")


class Buckets:
    """A bucket for each client; one that was never heard of is full."""

    def __init__(self, limit: RateLimit, now_s: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._now_s = now_s
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, client: str) -> float:
        """Seconds until there is room for one more in a client's bucket; 0 if there is."""
        level = self._level(client)
        return (1.0 - level) / self._limit.per_s if level < 1.0 else 0.0

    def charge(self, client: str, cost: int = 1) -> None:
        """Take so much out of a client's bucket."""
        self._levels[client] = (self._level(client) - cost, self._now_s())
        self._levels.move_to_end(client)
        if len(self._levels) > MAX_CLIENTS:
            self._levels.popitem(last=False)

    def _level(self, client: str) -> float:
        level, at_s = self._levels.get(client, (float(self._limit.burst), self._now_s()))
        return min(float(self._limit.burst), level + (self._now_s() - at_s) * self._limit.per_s)


class RateLimiter:
    """ASGI middleware that answers 429 with `Retry-After` to who asks too much.

    A client is an address; of IPv6 a network of 64 bits, which is what one household or machine is given.
    """

    def __init__(self, app: ASGIApp, limit: RateLimit, now_s: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._buckets = Buckets(limit, now_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on while there is room in the client's bucket."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = client_of(scope)
        wait_s = self._buckets.wait_s(client)
        if wait_s > 0:
            detail = "too many requests from this address; Retry-After says when to ask again"
            await problem(429, detail, headers={"Retry-After": str(math.ceil(wait_s))})(scope, receive, send)
            return

        self._buckets.charge(client)

        async def watching(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (401, 403):
                self._buckets.charge(client, REFUSED_COST - 1)
            await send(message)

        await self._app(scope, receive, watching)


def client_of(scope: Scope) -> str:
    """Whose bucket a request is from."""
    return place_of(str((scope.get("client") or ("",))[0]))
