"""Gift cards in the table (patterns G1–G6): the card, its redemptions and its ledger entries share a partition."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.gift_cards.model import (
    CardStatus,
    DeliveryState,
    Funding,
    GiftCard,
    Redemption,
    RedemptionStatus,
)
from commerce.kernel.caller import Mode, Tenant
from commerce.kernel.clock import sortable
from commerce.kernel.errors import Conflict, StaleWrite
from commerce.kernel.money import Money
from commerce.kernel.paging import Page, PageRequest
from commerce.table import keys, reading
from commerce.table.reading import get, get_all, page, partition, stream
from commerce.table.rows import InstantAttribute, Row
from commerce.table.transaction import Transaction

COLLECTION = "gift_cards"


class GiftCardRow(Row, discriminator="gift_card"):
    audited: ClassVar[str] = "gift_card"

    gift_card_id = UnicodeAttribute()
    serial = UnicodeAttribute()
    pin_hash = UnicodeAttribute()
    pin_generation = NumberAttribute()
    currency = UnicodeAttribute()
    original = NumberAttribute()  # minor units, as all amounts
    balance = NumberAttribute()
    held = NumberAttribute()
    status = UnicodeAttribute()
    funding = UnicodeAttribute()
    owner_email = UnicodeAttribute(null=True)
    recipient_email = UnicodeAttribute(null=True)
    message = UnicodeAttribute(null=True)
    sender = UnicodeAttribute(null=True)
    design = UnicodeAttribute(null=True)
    expires_on = UnicodeAttribute(null=True)
    expires_at = InstantAttribute(null=True)
    batch_id = UnicodeAttribute(null=True)
    order_id = UnicodeAttribute(null=True)
    delivery = UnicodeAttribute(null=True)
    created_at = InstantAttribute()
    updated_at = InstantAttribute()
    activated_at = InstantAttribute(null=True)
    holds = NumberAttribute()
    entries = NumberAttribute()
    sequence = NumberAttribute()
    version = NumberAttribute()

    def to_card(self) -> GiftCard:
        def money(minor: float) -> Money:
            return Money(int(minor), self.currency)

        return GiftCard(
            gift_card_id=self.gift_card_id,
            serial=self.serial,
            pin_hash=self.pin_hash,
            pin_generation=int(self.pin_generation),
            original=money(self.original),
            balance=money(self.balance),
            held=money(self.held),
            status=CardStatus(self.status),
            funding=Funding(self.funding),
            owner_email=self.owner_email,
            recipient_email=self.recipient_email,
            created_at=self.created_at,
            updated_at=self.updated_at,
            activated_at=self.activated_at,
            message=self.message,
            sender=self.sender,
            design=self.design,
            expires_on=date.fromisoformat(self.expires_on) if self.expires_on else None,
            expires_at=self.expires_at,
            batch_id=self.batch_id,
            order_id=self.order_id,
            delivery=DeliveryState(self.delivery) if self.delivery else None,
            holds=int(self.holds),
            entries=int(self.entries),
            sequence=int(self.sequence),
            version=int(self.version),
        )


class RedemptionRow(Row, discriminator="redemption"):
    redemption_id = UnicodeAttribute()
    serial = UnicodeAttribute()
    gift_card_id = UnicodeAttribute()
    currency = UnicodeAttribute()
    amount = NumberAttribute()
    given_back = NumberAttribute()
    status = UnicodeAttribute()
    created_at = InstantAttribute()
    updated_at = InstantAttribute()
    expires_at = InstantAttribute(null=True)
    cart_id = UnicodeAttribute(null=True)
    order_id = UnicodeAttribute(null=True)
    version = NumberAttribute()

    def to_redemption(self) -> Redemption:
        return Redemption(
            redemption_id=self.redemption_id,
            serial=self.serial,
            gift_card_id=self.gift_card_id,
            amount=Money(int(self.amount), self.currency),
            given_back=Money(int(self.given_back), self.currency),
            status=RedemptionStatus(self.status),
            created_at=self.created_at,
            updated_at=self.updated_at,
            expires_at=self.expires_at,
            cart_id=self.cart_id,
            order_id=self.order_id,
            version=int(self.version),
        )


def add(tx: Transaction, tenant: Tenant, card: GiftCard) -> None:
    """Write a new card (G1).

    Raises (at commit):
        StaleWrite: there is such a card; planning again finds it, or draws another serial.
    """
    tx.add(_row(tenant, card), StaleWrite("gift card"))


def save(tx: Transaction, tenant: Tenant, card: GiftCard) -> None:
    """Write a card one version on (G1).

    Raises (at commit):
        StaleWrite: somebody else wrote the card since it was read.
    """
    tx.put(_row(tenant, card), GiftCardRow.version == card.version - 1, StaleWrite("gift card"))


def add_redemption(tx: Transaction, tenant: Tenant, redemption: Redemption) -> None:
    """Write a new redemption (G2)."""
    tx.add(_redemption_row(tenant, redemption), Conflict("The redemption exists already"))


def save_redemption(tx: Transaction, tenant: Tenant, redemption: Redemption) -> None:
    """Write a redemption one version on (G2).

    Raises (at commit):
        StaleWrite: somebody else wrote it since it was read.
    """
    unchanged = RedemptionRow.version == redemption.version - 1
    tx.put(_redemption_row(tenant, redemption), unchanged, StaleWrite("redemption"))


def find(tenant: Tenant, serial: str) -> GiftCard | None:
    """One card (G1)."""
    row = get(keys.gift_card(tenant, serial))
    return row.to_card() if isinstance(row, GiftCardRow) else None


def find_cards(tenant: Tenant, serials: Iterable[str]) -> dict[str, GiftCard]:
    """The cards that exist, by serial (G1)."""
    rows = get_all(keys.gift_card(tenant, serial) for serial in serials).values()
    return {row.serial: row.to_card() for row in rows if isinstance(row, GiftCardRow)}


def find_in_any_mode(tenant_id: str, serial: str) -> tuple[Mode, GiftCard] | None:
    """One card of a tenant named by a public request, live or test, in one read (G3)."""
    wanted = {keys.gift_card(Tenant(tenant_id=tenant_id, mode=mode), serial): mode for mode in Mode}
    found = [(wanted[key], row) for key, row in get_all(wanted).items() if isinstance(row, GiftCardRow)]
    return next(((mode, row.to_card()) for mode, row in found), None)


def find_with_redemption(tenant: Tenant, serial: str, redemption_id: str) -> tuple[GiftCard | None, Redemption | None]:
    """A card and one of its redemptions, in one read (G2)."""
    found = find_all(tenant, [(serial, redemption_id)])
    return found.cards.get(serial), found.redemptions.get(redemption_id)


class Found:
    """Cards by serial, and redemptions by id."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.cards: dict[str, GiftCard] = {}
        self.redemptions: dict[str, Redemption] = {}
        for row in rows:
            if isinstance(row, GiftCardRow):
                self.cards[row.serial] = row.to_card()
            elif isinstance(row, RedemptionRow):
                self.redemptions[row.redemption_id] = row.to_redemption()


def find_all(tenant: Tenant, wanted: Iterable[tuple[str, str]]) -> Found:
    """Cards with redemptions, by (serial, redemption id), in one read (G2)."""
    pairs = list(wanted)
    cards = [keys.gift_card(tenant, serial) for serial, _ in pairs]
    return Found(get_all([*cards, *(keys.redemption(tenant, *pair) for pair in pairs)]).values())


def redemptions_of(tenant: Tenant, serial: str) -> list[Redemption]:
    """All redemptions of a card, the oldest first (G4)."""
    rows = partition(keys.gift_card(tenant, serial).pk, Row.sk.startswith(keys.REDEMPTION_PREFIX))
    return [row.to_redemption() for row in rows if isinstance(row, RedemptionRow)]


def with_book(tenant: Tenant, serial: str) -> list[Row]:
    """Everything that stands with a card: itself, its redemptions and its ledger entries (G4)."""
    return partition(keys.gift_card(tenant, serial).pk)


def page_of(tenant: Tenant, request: PageRequest) -> Page[GiftCard]:
    """A page of all cards, the newest first (G5)."""
    return page(
        tenant,
        request,
        _card,
        pk=keys.all_gift_cards(tenant),
        index="gsi1",
        query_name=COLLECTION,
    )


def page_of_owner(tenant: Tenant, request: PageRequest, email: str) -> Page[GiftCard]:
    """A page of the cards of whoever has this address, the newest first (G5)."""
    return page(
        tenant,
        request,
        _card,
        pk=keys.gift_cards_of_owner(tenant, email),
        index="gsi2",
        query_name=f"{COLLECTION}:of:{email.casefold()}",
    )


def all_of(tenant: Tenant, created_from: datetime | None, created_before: datetime | None) -> Iterator[GiftCard]:
    """Cards by when they were made, the oldest first, streamed; None leaves a side open (G5)."""
    first = sortable(created_from) if created_from else "0"
    last = sortable(created_before) if created_before else "~"
    for row in stream(keys.all_gift_cards(tenant), Row.gsi1sk.between(first, last), index="gsi1"):
        yield _card(row)


def due(now: datetime, limit: int) -> list[tuple[Tenant, str]]:
    """Tenant (without its settings) and serial of cards past their date, the longest first in each shard (G6)."""
    rows = reading.due(keys.due_gift_cards, now, limit, index="gsi3")
    return [(keys.tenant_of(row.pk), row.serial) for row in rows if isinstance(row, GiftCardRow)]


def due_redemptions(now: datetime, limit: int) -> list[tuple[Tenant, str, str]]:
    """Tenant (without its settings), serial and id of redemptions held for too long (G6)."""
    rows = reading.due(keys.due_redemptions, now, limit, index="gsi3")
    named = [row for row in rows if isinstance(row, RedemptionRow)]
    return [(keys.tenant_of(row.pk), row.serial, row.redemption_id) for row in named]


def _card(row: Row) -> GiftCard:
    assert isinstance(row, GiftCardRow)
    return row.to_card()


def _row(tenant: Tenant, card: GiftCard) -> GiftCardRow:
    row = GiftCardRow(
        *keys.gift_card(tenant, card.serial),
        gift_card_id=card.gift_card_id,
        serial=card.serial,
        pin_hash=card.pin_hash,
        pin_generation=card.pin_generation,
        currency=card.currency,
        original=card.original.minor,
        balance=card.balance.minor,
        held=card.held.minor,
        status=str(card.status),
        funding=str(card.funding),
        owner_email=card.owner_email,
        recipient_email=card.recipient_email,
        message=card.message,
        sender=card.sender,
        design=card.design,
        expires_on=card.expires_on.isoformat() if card.expires_on else None,
        expires_at=card.expires_at,
        batch_id=card.batch_id,
        order_id=card.order_id,
        delivery=str(card.delivery) if card.delivery else None,
        created_at=card.created_at,
        updated_at=card.updated_at,
        activated_at=card.activated_at,
        holds=card.holds,
        entries=card.entries,
        sequence=card.sequence,
        version=card.version,
        gsi1pk=keys.all_gift_cards(tenant),
        gsi1sk=keys.by_time(card.created_at, card.gift_card_id),
    )
    if card.owner_email is not None:
        row.gsi2pk = keys.gift_cards_of_owner(tenant, card.owner_email)
        row.gsi2sk = keys.by_time(card.created_at, card.gift_card_id)
    # Expired cards leave the index of due ones with their balance.
    if card.expires_at is not None and card.status is not CardStatus.CANCELLED and card.balance.minor:
        row.gsi3pk = keys.due_gift_cards(keys.expiry_shard(card.serial))
        row.gsi3sk = keys.by_time(card.expires_at, card.gift_card_id)
    return row


def _redemption_row(tenant: Tenant, redemption: Redemption) -> RedemptionRow:
    row = RedemptionRow(
        *keys.redemption(tenant, redemption.serial, redemption.redemption_id),
        redemption_id=redemption.redemption_id,
        serial=redemption.serial,
        gift_card_id=redemption.gift_card_id,
        currency=redemption.amount.currency,
        amount=redemption.amount.minor,
        given_back=redemption.given_back.minor,
        status=str(redemption.status),
        created_at=redemption.created_at,
        updated_at=redemption.updated_at,
        expires_at=redemption.expires_at,
        cart_id=redemption.cart_id,
        order_id=redemption.order_id,
        version=redemption.version,
    )
    if redemption.status is RedemptionStatus.HELD and redemption.expires_at is not None:
        row.gsi3pk = keys.due_redemptions(keys.expiry_shard(redemption.serial))
        row.gsi3sk = keys.by_time(redemption.expires_at, redemption.redemption_id)
    return row
