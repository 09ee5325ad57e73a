"""Erasing a patient: what goes, in steps that survive a kill, and what is not to come back."""
