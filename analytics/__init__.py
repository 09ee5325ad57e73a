"""Pure analytics: arrays and state in, values and state out. No I/O, no clock, nothing of ours imported."""
