"""A night whose analysis fails does not keep the others from theirs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable

from gateway.errors import StoreError

log = logging.getLogger(__name__)


class NightFaults:
    """Runs the analysis of nights one by one, for one kind of sensor.

    Attributes
    ----------
    count : int
        Analyses that failed by a fault of ours, since the start.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.count = 0

    def survived(self, night: Hashable, work: Callable[[], object]) -> bool:
        """Run `work` on a night; False if it failed: the caller lets go of it until more comes, or the next start.

        That it is stale stays on disk. A store that is away is no fault of the night, and is raised.
        """
        try:
            work()
        except StoreError:
            raise
        except Exception:
            self.count += 1
            log.exception(
                "the analysis of %s, %s, failed; it stays as it was until more of it comes", self._kind, night
            )
            return False
        return True
