"""Who asks, and how often may they?"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

MOST_CLIENTS: Final = 10_000
"""That are remembered; of more the longest silent is forgotten."""
NETWORK_BITS: Final = 64
"""Of an IPv6 address: whoever has one such network has all its addresses."""


class Buckets:
    """A bucket of tokens for each client, which fills at a steady rate."""

    def __init__(self, rate: float, burst: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with full buckets.

        Args:
            rate: tokens a second.
            burst: that a full bucket holds.
            clock: seconds; a test gives another.
        """
        self._rate, self._burst, self._clock = rate, burst, clock
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str, tokens: float = 1.0) -> float:
        """Take tokens; give 0, or the seconds until there are so many, and then none is taken."""
        now = self._clock()
        level, since = self._clients.pop(client, (self._burst, now))
        level = min(self._burst, level + (now - since) * self._rate)
        enough = level >= tokens
        self._clients[client] = (level - tokens if enough else level, now)
        if len(self._clients) > MOST_CLIENTS:
            self._clients.popitem(last=False)
        return 0.0 if enough else (tokens - level) / self._rate


def seconds(wait: float) -> str:
    """Write a wait as Retry-After has it: whole seconds, at least one."""
    return str(max(1, math.ceil(wait)))


def client_of(peer: str | None, headers: Mapping[str, str], *, behind_proxy: bool) -> str:
    """Name who asks: an address, of IPv6 its network.

    Args:
        peer: the address at the other end of the connection.
        headers: lower-case name -> value.
        behind_proxy: whether the last address of X-Forwarded-For, which the proxy itself wrote, counts instead.
    """
    told = headers.get("x-forwarded-for", "").rpartition(",")[2].strip() if behind_proxy else ""
    return _network(told) or _network(peer or "") or "unknown"


def _network(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, NETWORK_BITS), strict=False))
    return str(address)
