"""Pins and chips: the only place that knows which board this is."""
