"""From the radio to the outbox: scanning, connecting, live streams, stored pulls, dating."""
