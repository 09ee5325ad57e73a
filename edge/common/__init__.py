"""What both devices are made of: ring log, records, clock, power, control point, GATT server."""
