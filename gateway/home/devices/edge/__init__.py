"""What the gateway knows of our own devices' protocol (docs/edge-protocol.md): bytes in, values out, and the visit."""
