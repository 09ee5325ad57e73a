"""Overnight oximetry: from dated samples to desaturations and indices.

The way of the data, one file a step: ``signal`` (chunks, 1 Hz grid) -> ``masking`` (suspect seconds) -> ``peak``
(desaturations) and ``running`` (indices) -> ``stream`` (the four as one pure step) and ``detect`` (a whole night at
once, the same kernels).
"""
