"""Simulators: physiology, virtual radio, virtual devices, a virtual home. Nothing else imports them."""
