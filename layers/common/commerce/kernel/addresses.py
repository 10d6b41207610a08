"""IP addresses of callers."""

from ipaddress import IPv4Address, IPv6Address, ip_address

type Address = IPv4Address | IPv6Address


def read(text: str) -> Address | None:
    """The address, an IPv4 one out of its IPv6 form (``::ffff:203.0.113.7``) too; None for what is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
