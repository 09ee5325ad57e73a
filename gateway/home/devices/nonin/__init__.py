"""Nonin 3230 (finger) and 3150 (wrist)."""
