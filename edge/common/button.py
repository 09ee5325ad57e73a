"""The one button: a press opens the pairing window, holding it for ten seconds is a factory reset."""

from edge.common.power import PAIRING_S

HOLD_MS = 10000


class Button:
    """Fed with the button's level; no timer of its own."""

    def __init__(self):
        self._since = None
        self._window_until = 0
        self._done = False

    def step(self, pressed: bool, now_ms: int) -> bool:
        """True once when the button has been held long enough for a factory reset."""
        if not pressed:
            self._since = None
            self._done = False
            return False
        if self._since is None:
            self._since = now_ms
            self._window_until = now_ms + 1000 * PAIRING_S
        if not self._done and now_ms - self._since >= HOLD_MS:
            self._done = True
            self._window_until = 0
            return True
        return False

    def pairing(self, now_ms: int) -> bool:
        """Whether new bonds may be made."""
        return now_ms < self._window_until
