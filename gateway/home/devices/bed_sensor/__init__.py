"""Our own strip under the mattress: its waveform at 50 Hz."""
