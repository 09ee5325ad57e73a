"""When the recorder writes a record, and when its radio may be heard. Values in, decisions out."""

_EARLY_MS = 2000  # a look may come a moment before its time: a burst must not be missed for that


class Sampler:
    """Decides from each look at the temperature; the in-mouth belief drives the interval and the radio, nothing else.

    `state` and `resume` carry it over a deep sleep.
    """

    def __init__(self, policy: dict):
        self._policy = policy
        self._last = None  # ms of the last record
        self._kept = None  # temperature then
        self._seen = None  # temperature at the last look
        self._moving_until = 0
        self._agreeing = 0
        self.in_mouth = False
        self.since_ms = 0
        """When `in_mouth` last changed."""
        self._fresh = False  # whether it has ever been out of the mouth for a reason: taken out, not just powered

    def state(self) -> tuple:
        """Plain values that `resume` takes."""
        return (
            self._last, self._kept, self._seen, self._moving_until, self._agreeing, self.in_mouth, self.since_ms,
            self._fresh,
        )  # fmt: skip

    def resume(self, state: tuple) -> None:
        """Go on from `state`."""
        (
            self._last, self._kept, self._seen, self._moving_until, self._agreeing, self.in_mouth, self.since_ms,
            self._fresh,
        ) = state  # fmt: skip

    def look(self, now_ms: int, temperature: float, in_case: bool) -> bool:
        """Take one look; True if a record is due now. `temperature` None: the sensor failed."""
        policy = self._policy
        if temperature is not None:
            moved = self._seen is not None and abs(temperature - self._seen) >= policy["moved_degc"]
            drifted = self._kept is not None and abs(temperature - self._kept) >= policy["drifted_degc"]
            if moved or drifted:
                self._moving_until = now_ms + 1000 * policy["settle_s"]
            self._seen = temperature
        self._believe(now_ms, temperature, in_case)
        interval = policy["moving_s"] if now_ms < self._moving_until else policy["steady_s"]
        # Half a look early is nearer to the interval than half a look late.
        due = self._last is None or now_ms - self._last >= 1000 * interval - 500 * min(policy["probe_s"], interval)
        if due:
            self._last = now_ms
            self._kept = temperature if temperature is not None else self._kept
        return due

    def advertising_ms(self, now_ms: int, in_case: bool) -> int:
        """Interval at which to be found now; 0: silent."""
        policy = self._policy
        elapsed = now_ms - self.since_ms
        if self.in_mouth and not in_case:
            late = elapsed - 1000 * policy["longest_silence_s"]
            found = late >= 0 and late % (1000 * policy["found_every_s"]) < 1000 * policy["found_for_s"]
        else:
            taken_out = self._fresh and elapsed < 1000 * policy["out_s"]
            burst = (elapsed + _EARLY_MS) % (1000 * policy["burst_every_s"]) < 1000 * policy["burst_s"] + _EARLY_MS
            found = taken_out or burst
        return policy["advertising_ms"] if found else 0

    def _believe(self, now_ms: int, temperature: float, in_case: bool) -> None:
        policy = self._policy
        if in_case or temperature is None:
            believed = False if in_case else self.in_mouth
        elif self.in_mouth:
            believed = temperature >= policy["out_degc"]
        else:
            believed = temperature >= policy["mouth_degc"]
        self._agreeing = self._agreeing + 1 if believed != self.in_mouth else 0
        if self._agreeing >= 2 or (in_case and self.in_mouth):
            self.in_mouth = believed
            self.since_ms = now_ms
            self._fresh = not believed
            self._agreeing = 0
