"""What is slow on purpose waits without holding up everything else, and not without end."""

from __future__ import annotations

import asyncio
import threading

import pytest
from fastapi import HTTPException

from gateway.service.api.door import AT_ONCE, WAITING, Door


async def test_a_few_at_a_time_some_wait_and_who_comes_then_is_sent_away() -> None:
    door, go = Door(), threading.Event()
    under_way: list[int] = []
    full = threading.Event()

    def work(number: int) -> int:
        under_way.append(number)
        if len(under_way) == AT_ONCE:
            full.set()
        go.wait(20)
        return number

    tasks = [asyncio.create_task(door.run(lambda at=at: work(at))) for at in range(AT_ONCE + WAITING)]  # type: ignore[misc]
    async with asyncio.timeout(20):
        assert await asyncio.to_thread(full.wait, 20)  # on a thread that those at the door do not take
        with pytest.raises(HTTPException) as refused:
            await door.run(lambda: 0)
        assert refused.value.status_code == 503
        assert refused.value.headers == {"Retry-After": "5"}
        assert len(under_way) == AT_ONCE
        go.set()
        assert sorted(await asyncio.gather(*tasks)) == list(range(AT_ONCE + WAITING))
    assert await door.run(lambda: "open again") == "open again"
