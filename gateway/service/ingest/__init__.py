"""From the broker to the store, through the analytics, and back to the gateway as an acknowledgement."""
