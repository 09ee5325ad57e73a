"""Time as a device knows it: ticks of one boot, and anchors that tie them to UTC afterwards.

A device never sets a clock. It counts milliseconds since its boot; at each contact a gateway says which UTC moment a
tick was, and how sure it is. What was recorded before the first anchor of a boot is dated by that anchor later.
"""

TICK_MODULUS = 1 << 30
"""Ticks wrap here, as MicroPython's `ticks_ms` does on the ESP32: after 12.4 days."""

DRIFT_PPM = 100
"""Bound of a device's crystal over its temperatures: what dating beyond the anchors has to allow for."""

ANCHORS_KEPT = 11
"""Anchors a device keeps itself, for a gateway that has lost its own: the first of a boot and the last ones."""


class Ticks:
    """Unwraps ticks of 30 bits into milliseconds since the boot; to be called at least once in 12 days.

    `raw` and `elapsed_ms` are what has to outlast a deep sleep, after which `main.py` starts anew.
    """

    def __init__(self, raw: int, elapsed_ms: int = 0):
        self.raw = raw % TICK_MODULUS
        self.elapsed_ms = elapsed_ms

    def update(self, raw: int) -> int:
        """Milliseconds since the boot at raw tick `raw`."""
        raw %= TICK_MODULUS
        self.elapsed_ms += (raw - self.raw) % TICK_MODULUS
        self.raw = raw
        return self.elapsed_ms


class Anchors:
    """(boot, tick_ms, utc_ms, uncertainty_ms) as the gateway wrote them, in order."""

    def __init__(self, entries: list = ()):
        self.entries = [tuple(entry) for entry in entries]

    def add(self, boot: int, tick_ms: int, utc_ms: int, uncertainty_ms: int) -> None:
        """Take an anchor; at the bound, the oldest that is not its boot's first goes, or else the oldest."""
        self.entries.append((boot, tick_ms, utc_ms, uncertainty_ms))
        self.entries.sort()
        if len(self.entries) > ANCHORS_KEPT:
            for index in range(1, len(self.entries) - 1):
                if self.entries[index][0] == self.entries[index - 1][0]:
                    del self.entries[index]
                    return
            del self.entries[0]

    def has(self, boot: int) -> bool:
        """Whether this boot can be dated."""
        return any(entry[0] == boot for entry in self.entries)

    def date(self, boot: int, tick_ms: int) -> tuple:
        """(utc_ms, uncertainty_ms) of a tick, or None where its boot has no anchor.

        Between two anchors by linear interpolation: steady drift cancels. Outside them by the nearest one at the
        nominal rate, uncertain by `DRIFT_PPM` of the distance.
        """
        before = after = None
        for entry in self.entries:
            if entry[0] == boot:
                if entry[1] <= tick_ms:
                    before = entry
                elif after is None:
                    after = entry
        if before is None and after is None:
            return None
        if before is None or after is None:
            _, tick, utc, uncertainty = before or after
            return utc + tick_ms - tick, uncertainty + abs(tick_ms - tick) * DRIFT_PPM // 1000000
        span = after[1] - before[1]
        passed = tick_ms - before[1]
        # Drift that changed on the way and came back: at most 2 x bound x the way to the nearer anchor.
        bend = 2 * min(passed, span - passed) * DRIFT_PPM // 1000000
        return before[2] + (after[2] - before[2]) * passed // span, max(before[3], after[3]) + bend
