"""The strip under the mattress: its waveform at 50 Hz, buffered while the gateway is away."""
