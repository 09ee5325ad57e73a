"""Files into the store: opened by content, shown first, then kept as a stored session of a patient's device.

``opened`` (any kind that `somnolink analyze` reads) -> ``preview`` (what it is, when, its indices, a trace) ->
``batches`` (with ``waveform``: what the wire and the store can hold) -> ``commit`` (stored, and marked to be analysed).
"""
