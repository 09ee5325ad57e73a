"""The demo: the one place that starts simulators, and only when it is asked to."""
