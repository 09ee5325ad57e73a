"""Recordings as rings store them: pure layouts, read on both sides and written by the simulators."""
