"""QR codes that lead to an order's tracking (contract TR-02)."""

import os
from datetime import UTC, datetime, timedelta
from io import BytesIO

import segno
from botocore.exceptions import BotoCoreError, ClientError

from commerce.kernel import clock, downloads
from commerce.kernel.aws import client
from commerce.kernel.caller import Caller, Role
from commerce.kernel.errors import NotFound, Unavailable
from commerce.orders import queries
from commerce.orders.tracking import TrackingCode, sign_link

GOOD_FOR_DAYS = 30
_PIXELS = 8  # of a module, the smallest square


def tracking_code(caller: Caller, order_id: str, base_url: str) -> TrackingCode:
    """The QR code of an order, for its own customer and for the staff; ``base_url`` is where the API is.

    Asked for again on the same day, it is the same picture.

    Raises:
        NotFound: no such order, or another customer's.
        Unavailable: the picture cannot be stored now.
    """
    order = queries.get(caller.tenant, order_id)
    if caller.role is Role.CUSTOMER and order.buyer.customer_id != caller.own_customer_id:
        raise NotFound("order")
    until = datetime.combine(clock.now().date() + timedelta(days=GOOD_FOR_DAYS), datetime.min.time(), UTC)
    tenant = caller.tenant
    link = f"{base_url}/api/track-order?token={sign_link(tenant, order_id, until)}"
    key = f"tracking-codes/{tenant.tenant_id}/{tenant.mode}/{order_id}/{until.date()}.png"
    try:
        client("s3").put_object(
            Bucket=os.environ["FILES_BUCKET"], Key=key, Body=_picture(link), ContentType="image/png"
        )
    except (BotoCoreError, ClientError) as error:
        raise Unavailable from error
    return TrackingCode(order_id, downloads.link(key, f"{order_id}.png"), until)


def _picture(text: str) -> bytes:
    written = BytesIO()
    segno.make(text, error="m", micro=False).save(written, kind="png", scale=_PIXELS)
    return written.getvalue()
