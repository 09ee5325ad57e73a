"""Wear of a mandibular device with a temperature recorder: when it was in the mouth, and what that amounts to.

The way of the data: ``samples`` (dated readings) -> ``wear`` (the device warms, is worn, cools; with ``rules``,
``recent``, ``life`` and ``dating``) -> ``stream`` (that as one pure step) -> ``nights`` (intervals into nights) -> the
definitions: ``usage``, ``payer``, ``sleep_share``, ``alleviation`` and ``titration``.
"""
