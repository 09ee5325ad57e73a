"""MicroPython firmware of somnolink: the MAD micro-recorder and the under-mattress sensor. Imports only itself."""
