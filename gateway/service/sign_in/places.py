"""Where somebody is, as far as an address can tell."""

from __future__ import annotations

import ipaddress


def place_of(host: str) -> str:
    """The address; of IPv6 a network of 64 bits, which is what one household or machine is given."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), 64), strict=False))
