"""Jumper JPD-500F."""
