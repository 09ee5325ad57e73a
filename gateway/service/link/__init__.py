"""The service's line to the broker: a process that talks MQTT, and a pipe between it and the ingest.

paho and the ingest are both Python, and one interpreter runs one of them at a time. Beside each other they take in
more than twice as much (`benchmarks/ingest.py`). `process` is the process, `connection` what it runs, `frames` what
the two say to each other, `line` the ingest's end.
"""
