"""Labels of returns in S3. No other code of this context talks to it."""

import os
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from commerce.documents.model import address_lines
from commerce.kernel import downloads
from commerce.kernel.aws import client
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Unavailable
from commerce.orders.model import Order
from commerce.returns.model import Return


def key(tenant: Tenant, return_id: str) -> str:
    """Where a return's label stands."""
    return f"return-labels/{tenant.tenant_id}/{tenant.mode}/{return_id}.pdf"


def issue(tenant: Tenant, order: Order, ret: Return) -> None:
    """Print a return's label; any number of times, it is the same one.

    Raises:
        Unavailable: it cannot be stored now.
    """
    from commerce.access.queries import find_shop  # and with it all of PDF, for a function that issues one
    from commerce.returns.label_documents import ReturnLabel, render

    shop = find_shop(tenant.tenant_id)
    names = {line.line_id: line.name for line in order.lines}
    label = ReturnLabel(
        rma_number=ret.rma_number,
        order_number=order.order_id,
        shop=shop,
        sender=address_lines(order.shipping_address),
        recipient=tenant.returns.address or (shop,),
        items=tuple((names[item.line_id], item.quantity) for item in ret.items),
        note=None,
    )
    body = render(label)
    try:
        _s3().put_object(
            Bucket=os.environ["FILES_BUCKET"],
            Key=key(tenant, ret.return_id),
            Body=body,
            ContentType="application/pdf",
        )
    except (BotoCoreError, ClientError) as error:
        raise Unavailable from error


def read(tenant: Tenant, return_id: str) -> bytes:
    """The label that was issued for a return.

    Raises:
        Unavailable: it cannot be read now.
    """
    try:
        body: bytes = _s3().get_object(Bucket=os.environ["FILES_BUCKET"], Key=key(tenant, return_id))["Body"].read()
    except (BotoCoreError, ClientError) as error:
        raise Unavailable from error
    return body


def link(tenant: Tenant, ret: Return) -> str | None:
    """Where a return's label can be downloaded from, by whoever has the link, for 10 to 15 minutes; None before it is
    approved, and once it has ended."""
    if not ret.has_label:
        return None
    return downloads.link(key(tenant, ret.return_id), f"{ret.rma_number}.pdf")


def link_expires_at(ret: Return) -> datetime | None:
    """Until when a link of now is good at least."""
    return downloads.links_expire_at() if ret.has_label else None


def _s3() -> Any:
    return client("s3")
