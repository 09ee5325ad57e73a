"""Puts the notifications of a report in order. No I/O."""

from __future__ import annotations

from gateway.errors import ProtocolError
from gateway.home.devices.driver import Records
from gateway.home.devices.edge.control import Notification


class Reception:
    """What has arrived of a report, from its first sequence on.

    Sequences that are missing between two notifications are void (spoilt on flash, never to come) or were lost on the
    way; only the device's count of what it has sent tells which. So what lies behind a break is held back until
    `settle`. What comes twice counts once.

    Parameters
    ----------
    first : int
        Sequence of the first record asked for.

    Attributes
    ----------
    next : int
        Everything before this sequence has arrived, or is known to be void.
    """

    def __init__(self, first: int) -> None:
        self.next = first
        self._taken = 0
        self._ready: list[Records] = []
        self._beyond: list[tuple[int, Records]] = []
        self._beyond_end = 0

    @property
    def broken(self) -> bool:
        """Whether sequences are missing, so that the device's count is needed."""
        return bool(self._beyond)

    def feed(self, notification: Notification, record_bytes: int) -> None:
        """Take a data notification.

        Raises
        ------
        ProtocolError
            It holds no whole records.
        """
        count, odd = divmod(len(notification.data), record_bytes)
        if odd or count == 0:
            raise ProtocolError(f"{len(notification.data)} bytes are no whole records of {record_bytes} bytes")
        end = notification.first + count
        known = self._beyond_end if self._beyond else self.next
        if end <= known:
            return
        first = max(notification.first, known)
        data = notification.data[(first - notification.first) * record_bytes :]
        records = Records(notification.layout, end - first, data)
        if self._beyond or first > self.next:
            self._beyond.append((first, records))
            self._beyond_end = end
        else:
            self._take(records, end)

    def settle(self, sent: int) -> bool:
        """Take note of how many records the device has sent since the report began, all of which would be here by now.

        Returns
        -------
        bool
            True: all have arrived. False: some were lost; what lies behind the first of them is to be asked for again,
            from `next` on.
        """
        whole = self._taken + sum(records.count for _, records in self._beyond) == sent
        if whole:
            for first, records in self._beyond:
                self._take(records, first + records.count)
        self._beyond = []
        return whole

    def take(self) -> list[Records]:
        """Return what is in order and was not taken yet; neighbours of one layout are put together."""
        merged: list[Records] = []
        parts: list[bytes] = []
        for records in self._ready:
            if merged and merged[-1].layout == records.layout:
                parts.append(records.data)
                merged[-1] = Records(records.layout, merged[-1].count + records.count, b"")
                continue
            if merged:
                merged[-1] = Records(merged[-1].layout, merged[-1].count, b"".join(parts))
            merged.append(records)
            parts = [records.data]
        if merged:
            merged[-1] = Records(merged[-1].layout, merged[-1].count, b"".join(parts))
        self._ready = []
        return merged

    def _take(self, records: Records, end: int) -> None:
        self._ready.append(records)
        self._taken += records.count
        self.next = end
