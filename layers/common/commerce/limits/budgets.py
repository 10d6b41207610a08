"""What strangers may ask of routes without a credential (contract RL-04).

These routes can be used for guessing, so a call that cannot be counted is refused (503): they fail closed.
"""

import hashlib
import hmac
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Any

from commerce.kernel import addresses, clock
from commerce.kernel.errors import CommerceError, NotFound
from commerce.limits import store
from commerce.limits.model import Moment, Quota, Standing
from commerce.limits.use_cases import charge, require_admitted
from commerce.table import keys

_NETWORK_BITS = 64  # of an IPv6 address: what one customer of a provider has at least


@dataclass(frozen=True, slots=True)
class Budgets:
    """How often one address may call a route, and how many misses all callers together have about one subject.

    A miss is counted, and refused when there were too many, whether or not the subject exists: the refusal tells
    nothing that the miss does not tell. Who hits pays nothing of the subject's budget, but a subject about which others
    guessed too often rests for everybody.

    Args:
        name: of the route, in its rows' keys; routes with the same name share their budgets.
        subject: what the call is about, out of the endpoint's arguments, which are validated and in canonical form.
        miss: what a wrong guess ends with.
    """

    name: str
    calls: Quota
    misses: Quota | None = None
    subject: Callable[[Mapping[str, Any]], str] | None = None
    miss: type[CommerceError] = NotFound

    def enter(self, address: str) -> Standing:
        """Count a call from ``address``: one read, and one write unless it is refused.

        Raises:
            Unavailable: it cannot be counted.
        """
        key = keys.address_limit(self.name, _digest(_source(address)))
        return charge(key, self.calls, store.find(key))

    @contextmanager
    def guess(self, tenant_id: str, arguments: Mapping[str, Any]) -> Iterator[None]:
        """Around the endpoint's own work: one read, and one write when it misses.

        Raises:
            RateLimited: too many misses about this subject.
            Unavailable: they cannot be counted.
        """
        if self.misses is None or self.subject is None:
            yield
            return
        key = keys.subject_limit(tenant_id, self.name, _digest(self.subject(arguments)))
        known = store.find(key)
        now = Moment.of(clock.now())
        if not self.misses.admits(known, now):
            require_admitted(self.misses.refusal(known, now))
        try:
            yield
        except self.miss:
            require_admitted(charge(key, self.misses, known))
            raise


def _source(address: str) -> str:
    """Whom a call is counted for: an IPv4 address or an IPv6 network; all without an address are one."""
    source = addresses.read(address)
    if isinstance(source, IPv6Address):
        return f"{int(source) >> (128 - _NETWORK_BITS):x}"
    return str(source)


def _digest(text: str) -> str:
    """Keys hold no address and no subject in the clear, and none that is long."""
    return hmac.new(os.environ["CURSOR_KEY"].encode(), text.encode(), hashlib.sha256).hexdigest()[:32]
