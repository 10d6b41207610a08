"""Tracking an order without a credential (contract TR-01), and the links that do it by themselves (contract TR-02)."""

import hmac
from dataclasses import dataclass
from datetime import datetime

from commerce.fulfillment.model import Shipment
from commerce.fulfillment.queries import shipments_of
from commerce.kernel import clock, paging
from commerce.kernel.caller import Mode, Tenant
from commerce.kernel.errors import Malformed, NotFound
from commerce.orders import store
from commerce.orders.model import Order

_LINK = "track-order"  # tells these tokens from cursors


@dataclass(frozen=True, slots=True)
class TrackingCode:
    """A picture at ``url``, which ends within 15 minutes; the link in it is good until ``tracks_until``."""

    order_id: str
    url: str
    tracks_until: datetime


@dataclass(frozen=True, slots=True)
class Tracked:
    """An order and its shipments, oldest first."""

    order: Order
    shipments: tuple[Shipment, ...]

    @classmethod
    def of(cls, tenant: Tenant, order: Order) -> "Tracked":
        return cls(order, shipments_of(tenant, order))


def track(tenant_id: str, order_id: str, email: str) -> Tracked:
    """The order, for whoever knows both its id and its buyer's e-mail.

    A wrong id and a wrong e-mail give the same answer after the same work: one read and one comparison in constant
    time, against a made-up address where there is no order.

    Raises:
        NotFound: not both are right.
    """
    found = store.find_in_any_mode(tenant_id, order_id)
    known = found[1].buyer.email if found is not None else "nobody@invalid"
    matches = hmac.compare_digest(known.casefold().encode(), email.strip().casefold().encode())
    if found is None or not matches:
        raise NotFound("order")
    return Tracked.of(*found)


def sign_link(tenant: Tenant, order_id: str, until: datetime) -> str:
    """The token of a link that tracks an order until then. It names tenant and order, and nothing of the buyer."""
    claims = {
        "tenant": tenant.tenant_id,
        "mode": str(tenant.mode),
        "order": order_id,
        "until": str(int(until.timestamp())),
    }
    return paging.sign(claims, scope=_LINK)


def follow_link(token: str) -> Tracked:
    """The order that a link is for.

    Raises:
        NotFound: not a link of ours, or one that has ended, or there is no such order: which of them is not told.
    """
    try:
        claims = paging.verify(token, scope=_LINK)
    except Malformed:
        raise NotFound("order") from None
    if int(claims["until"]) <= clock.now().timestamp():
        raise NotFound("order")
    tenant = Tenant(claims["tenant"], Mode(claims["mode"]))
    order = store.find(tenant, claims["order"])
    if order is None:
        raise NotFound("order")
    return Tracked.of(tenant, order)
