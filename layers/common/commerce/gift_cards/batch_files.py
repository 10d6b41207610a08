"""The file of a batch of gift cards, for whoever prints or hands them out (contract GC-02).

It holds PINs, which stand nowhere else. So it is written when somebody asks for it, derived from the batch alone: the
same bytes each time. The bucket encrypts it and removes it after a day; a link to it is good for a quarter of an hour.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from commerce.gift_cards import pins, serials
from commerce.gift_cards.batch_model import Batch
from commerce.kernel import clock, csv_text
from commerce.kernel.aws import client
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Unavailable
from commerce.observability import logger

_GOOD_FOR = timedelta(minutes=15)
_PREFIX = "gift-card-batches"  # that the bucket's lifecycle rule is for
_HEADER = ("serial", "pin", "amount", "currency", "expires_on")


@dataclass(frozen=True, slots=True)
class Link:
    """Where the file can be had without a credential, and until when."""

    url: str
    expires_at: datetime


def link_to(tenant: Tenant, batch: Batch) -> Link:
    """Write the file of a batch, and give a link to it.

    Cards whose PIN was replaced since have their first one in it, which opens nothing any more.

    Raises:
        Unavailable: the bucket is away.
    """
    place = {"Bucket": os.environ["FILES_BUCKET"], "Key": key_of(tenant, batch.batch_id)}
    s3 = client("s3")
    try:
        s3.put_object(
            **place,
            Body=csv_text.table(_rows(tenant, batch)).encode(),
            ContentType="text/csv; charset=utf-8",
            ContentDisposition=f'attachment; filename="gift_cards_{batch.batch_id}.csv"',
        )
    except (BotoCoreError, ClientError) as error:
        logger.warning("file not written", error=str(error))
        raise Unavailable from None
    url = s3.generate_presigned_url("get_object", Params=place, ExpiresIn=int(_GOOD_FOR.total_seconds()))
    return Link(url, clock.now() + _GOOD_FOR)


def key_of(tenant: Tenant, batch_id: str) -> str:
    return f"{_PREFIX}/{tenant.tenant_id}/{tenant.mode}/{batch_id}.csv"


def _rows(tenant: Tenant, batch: Batch) -> Iterator[tuple[object, ...]]:
    yield _HEADER
    for number in range(batch.quantity):
        card, serial = batch.row(number), serials.of_batch(tenant, batch.batch_id, number)
        pin = pins.derive(tenant, serial, 1)
        yield serials.printed(serial), pin, card.amount.major, card.amount.currency, card.expires_on or ""
