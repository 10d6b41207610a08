"""What a shipment is: units of an order that left together, and by which carrier's number they are followed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import quote

# Where carriers show a parcel to whoever has its number.
_TRACKING_PAGES = {
    "ups": "https://www.ups.com/track?tracknum=",
    "usps": "https://tools.usps.com/go/TrackConfirmAction?tLabels=",
    "fedex": "https://www.fedex.com/fedextrack/?trknbr=",
    "dhl": "https://www.dhl.com/global-en/home/tracking.html?tracking-id=",
}


class ShipmentStatus(StrEnum):
    """Contract 7."""

    CREATED = "created"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Shipment:
    """``items`` are units by the order's line id. ``carrier`` is as it was given; None where nobody said.

    ``estimated_delivery`` is a local date, as text.
    """

    shipment_id: str
    order_id: str
    carrier: str | None
    tracking_number: str | None
    items: Mapping[str, int]
    notify_customer: bool
    shipped_at: datetime
    estimated_delivery: str | None = None
    status: ShipmentStatus = ShipmentStatus.CREATED

    @property
    def carrier_code(self) -> str | None:
        return None if self.carrier is None else code_of(self.carrier)

    @property
    def tracking_url(self) -> str | None:
        """Where the carrier shows the parcel, of those whose page is known."""
        page = _TRACKING_PAGES.get(self.carrier_code or "")
        return page + quote(self.tracking_number, safe="") if page and self.tracking_number else None


def code_of(carrier: str) -> str:
    """The code that names of a carrier are compared by: ``UPS`` and ``ups`` are one."""
    return carrier.strip().casefold()


def parcel_id(order_id: str, carrier: str | None, tracking_number: str) -> str:
    """The id of the shipment of an order that has this number: the same whenever it is dispatched again."""
    number = "".join(tracking_number.split()).upper()
    return _id_of(order_id, "parcel", code_of(carrier or ""), number)


def unnumbered_id(order_id: str, version: int) -> str:
    """The id of a shipment without a number, which a change of the order at this version makes."""
    return _id_of(order_id, "version", str(version))


def _id_of(*parts: str) -> str:
    return "shp_" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
