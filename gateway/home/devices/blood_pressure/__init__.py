"""Blood pressure meters that speak the Bluetooth SIG's own service, 0x1810."""
