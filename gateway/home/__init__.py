"""The home side: collects from the devices, keeps in the outbox, publishes."""
