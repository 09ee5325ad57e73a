"""The device families: one folder each, its protocol free of I/O."""
