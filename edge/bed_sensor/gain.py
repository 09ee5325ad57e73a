"""Automatic gain: down at once when samples saturate, up only after a long quiet time."""

QUIET_FRAMES = 20
"""A minute at 12 bits: a pause in breathing must not turn the gain up."""


class AutoGain:
    """Chooses one of `steps` gain steps, 0 the lowest, from each frame that has been filled.

    Parameters
    ----------
    steps
        Number of steps.
    ratio
        How much one step changes the signal; it is turned up only where the peak still stays below half of full scale.
    full_scale
        Code at which a sample is saturated.
    """

    def __init__(self, steps: int, ratio: float, full_scale: int):
        self._steps = steps
        self._quiet_peak = full_scale / (2 * ratio)
        self._full_scale = full_scale
        self._quiet = 0
        self.step = steps // 2

    def judge(self, samples: object) -> bool:
        """Look at a frame; True if the gain is another one from the next sample on."""
        clipped = 0
        peak = 0
        for sample in samples:
            size = abs(sample)
            peak = max(peak, size)
            if size >= self._full_scale:
                clipped += 1
        if 100 * clipped > len(samples):
            self._quiet = 0
            if self.step > 0:
                self.step -= 1
                return True
        elif peak < self._quiet_peak:
            self._quiet += 1
            if self._quiet >= QUIET_FRAMES and self.step < self._steps - 1:
                self.step += 1
                self._quiet = 0
                return True
        else:
            self._quiet = 0
        return False
