"""The strip under the mattress: from dated samples to presence, movement, heart, breath, disturbances and sleep.

The way of the data, one file a step: ``signal`` (chunks, 50 Hz slots) -> ``ticks`` (five features records a second:
bands, noise floor) -> ``presence`` (in bed, moving) -> ``heart`` and ``breath`` (rates) -> ``disturbance``
(respiratory events) -> ``epochs`` (10 s rows), all of them as one pure step in ``stream``; then, over the rows of a
night, ``sleep`` and ``night`` (summary), and over nights ``regularity``.
"""
