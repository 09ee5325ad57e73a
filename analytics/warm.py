"""``python -m analytics.warm``: compile the kernels now, so that nobody waits for them at their first use."""

from __future__ import annotations

import numpy as np

from analytics.oximetry import stream
from analytics.oximetry.signal import OximetryChunk


def main() -> None:
    """Run a short night through every kernel that streams."""
    state, _ = stream.step(stream.start(), OximetryChunk(0, 1000, np.full(600, 97.0, np.float32)))
    stream.close(state)


if __name__ == "__main__":
    main()
