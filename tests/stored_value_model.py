"""What stored value is meant to do, in plain Python: no table, no versions, amounts in minor units of one shop.

Every operation says whether it is done; one that is refused changes nothing. Ids come from outside, as they do in life.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

HOLD_FOR = timedelta(minutes=30)
PAYMENT_WINDOW = timedelta(minutes=60)
GRACE = timedelta(days=30)
MOST_HOLDS = 10
WAITING = ("pending", "failed", "voided")
COLLECTED = ("paid", "partially_refunded", "refunded")
FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass
class Hold:
    cart: str
    amount: int
    until: datetime
    made: datetime


@dataclass(eq=False)
class Card:
    currency: str
    balance: int
    funding: str
    ends: datetime | None = None
    status: str = "active"
    bought: bool = False
    place: tuple[str, int] | None = None  # the order that it was bought with, and which of its gift cards it is
    generation: int = 1
    holds: dict[str, Hold] = field(default_factory=dict)

    @property
    def held(self) -> int:
        return sum(hold.amount for hold in self.holds.values())

    def usable(self, now: datetime) -> bool:
        return self.status == "active" and not self.over(now)

    def over(self, now: datetime) -> bool:
        return self.ends is not None and self.ends <= now


@dataclass
class Lot:
    owner: str
    currency: str
    remaining: int
    issued: datetime
    ends: datetime | None = None

    def over(self, now: datetime) -> bool:
        return self.ends is not None and self.ends <= now


@dataclass
class Cart:
    """``credit`` is what the customer was told; ``applied`` is by serial."""

    cart_id: str
    units: int = 0
    bought: list[int] = field(default_factory=list)
    applied: dict[str, tuple[str, int]] = field(default_factory=dict)
    credit: int | None = None


@dataclass
class Tender:
    kind: str
    source: str
    amount: int
    back: int = 0

    @property
    def remaining(self) -> int:
        return self.amount - self.back


@dataclass
class Order:
    owner: str
    total: int
    bought: list[int]
    due: datetime | None
    issued: list[Card] = field(default_factory=list)
    tenders: dict[str, Tender] = field(default_factory=dict)
    status: str = "pending_payment"
    payment: str = "pending"
    refunded: int = 0
    intent: str | None = None

    @property
    def tendered(self) -> int:
        return sum(tender.remaining for tender in self.tenders.values())

    @property
    def payable(self) -> bool:
        return self.payment in WAITING and self.status != "cancelled"

    @property
    def outstanding(self) -> int:
        return self.total - self.tendered if self.payable else 0

    @property
    def coverable(self) -> int:
        return self.outstanding - sum(self.bought) if self.payable else 0

    @property
    def collected_outside(self) -> int:
        return self.total - self.refunded - self.tendered if self.payment in COLLECTED else 0

    @property
    def refunded_for_cards(self) -> int:
        return max(0, self.refunded - (self.total - sum(self.bought))) if self.issued else 0

    def paid(self) -> None:
        self.payment = "paid"
        if self.status == "pending_payment":
            self.status, self.due = "pending", None

    def refund(self, amount: int) -> None:
        if amount:
            self.refunded += amount
            self.payment = "refunded" if self.refunded >= self.total else "partially_refunded"


@dataclass
class Model:
    """``new_cards`` are those that came into being without anybody being told their serial yet."""

    currency: str
    price: int
    cards: dict[str, Card] = field(default_factory=dict)
    lots: dict[str, Lot] = field(default_factory=dict)
    carts: dict[str, Cart] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    new_cards: list[Card] = field(default_factory=list)

    # Carts

    def coverable(self, cart: Cart) -> int:
        return cart.units * self.price

    def _live(self, cart: Cart, serial: str, now: datetime) -> int:
        """What an applied card pays now."""
        card, hold = self.cards[serial], self.cards[serial].holds.get(cart.applied[serial][0])
        return hold.amount if hold is not None and now < hold.until and card.usable(now) else 0

    def told(self, cart: Cart, now: datetime) -> None:
        """A cart that is written says anew what store credit pays."""
        if cart.credit is not None:
            by_cards = min(self.coverable(cart), sum(self._live(cart, serial, now) for serial in cart.applied))
            owner = next(name for name, each in self.carts.items() if each is cart)
            cart.credit = min(self.credit_of(owner, now), self.coverable(cart) - by_cards)

    def apply(self, owner: str, serial: str, wanted: int | None, redemption_id: str, now: datetime) -> bool:
        cart, card = self.carts[owner], self.cards[serial]
        others = sum(self._live(cart, each, now) for each in cart.applied if each != serial)
        left = self.coverable(cart) - others
        asked = left if wanted is None else min(wanted, left)
        amount = min(asked, card.balance)
        if not card.usable(now) or card.currency != self.currency or amount <= 0:
            return False
        own = next((name for name, hold in card.holds.items() if hold.cart == cart.cart_id), None)
        made = now
        if own is not None:
            assert own == redemption_id, "the same card is held twice for one cart"
            made = card.holds.pop(own).made
        for name in sorted(card.holds, key=lambda name: (now < card.holds[name].until, card.holds[name].made)):
            if amount <= card.balance - card.held and len(card.holds) < MOST_HOLDS:
                break
            del card.holds[name]
        card.holds[redemption_id] = Hold(cart.cart_id, amount, now + HOLD_FOR, made)
        cart.applied.pop(serial, None)
        cart.applied[serial] = (redemption_id, amount)
        self.told(cart, now)
        return True

    def remove(self, owner: str, serial: str, now: datetime) -> bool:
        cart = self.carts[owner]
        if serial not in cart.applied:
            return False
        self.cards[serial].holds.pop(cart.applied.pop(serial)[0], None)
        self.told(cart, now)
        return True

    def clear(self, owner: str) -> None:
        cart = self.carts[owner]
        for serial, (redemption_id, _) in cart.applied.items():
            self.cards[serial].holds.pop(redemption_id, None)
        self.carts[owner] = Cart(cart.cart_id)

    def checkout(self, owner: str, order_id: str, cart_id: str, now: datetime) -> bool:
        cart = self.carts[owner]
        if not cart.units and not cart.bought:
            return False
        if any(not self._stands(cart, serial, now) for serial in cart.applied):
            return False
        left, spent = self.coverable(cart), dict[str, int]()
        for serial, (_, amount) in cart.applied.items():
            spent[serial] = min(left, amount)
            left -= spent[serial]
        if cart.credit is not None and self.credit_of(owner, now) < min(left, cart.credit):
            return False
        order = Order(owner, self.coverable(cart) + sum(cart.bought), cart.bought, now + PAYMENT_WINDOW)
        self.orders[order_id] = order
        for serial, (redemption_id, _) in cart.applied.items():
            card = self.cards[serial]
            del card.holds[redemption_id]
            if spent[serial]:
                card.balance -= spent[serial]
                order.tenders[redemption_id] = Tender("gift_card", serial, spent[serial])
        if cart.credit is not None:
            self._spend_credit(order, min(left, self.credit_of(owner, now)), now)
        if not order.outstanding:
            order.paid()
        self.carts[owner] = Cart(cart_id)
        return True

    def _stands(self, cart: Cart, serial: str, now: datetime) -> bool:
        """Whether a card can still pay what was told; nothing less, and nothing more."""
        return self._live(cart, serial, now) == cart.applied[serial][1]

    # Store credit

    def _spendable(self, owner: str, now: datetime) -> list[str]:
        own = [
            name
            for name, lot in self.lots.items()
            if lot.owner == owner and lot.currency == self.currency and lot.remaining and not lot.over(now)
        ]
        return sorted(own, key=lambda name: (self.lots[name].ends or FOREVER, self.lots[name].issued))

    def credit_of(self, owner: str, now: datetime) -> int:
        return sum(self.lots[name].remaining for name in self._spendable(owner, now))

    def _spend_credit(self, order: Order, amount: int, now: datetime) -> None:
        for name in self._spendable(order.owner, now):
            part = min(amount, self.lots[name].remaining)
            if part:
                amount -= part
                self.lots[name].remaining -= part
                before = order.tenders.setdefault(name, Tender("store_credit", order.owner, 0))
                before.amount += part
        assert not amount

    def void_credit(self, credit_id: str) -> bool:
        lot = self.lots[credit_id]
        done, lot.remaining = bool(lot.remaining), 0
        return done

    # Orders

    def redeem_card(self, order_id: str, serial: str, amount: int, redemption_id: str, now: datetime) -> bool:
        order, card = self.orders[order_id], self.cards[serial]
        if not 0 < amount <= order.coverable or not card.usable(now) or card.currency != self.currency:
            return False
        if amount > card.balance - card.held:
            return False
        card.balance -= amount
        order.tenders[redemption_id] = Tender("gift_card", serial, amount)
        self._tendered(order)
        return True

    def redeem_credit(self, order_id: str, amount: int, now: datetime) -> bool:
        order = self.orders[order_id]
        if not 0 < amount <= min(order.coverable, self.credit_of(order.owner, now)):
            return False
        self._spend_credit(order, amount, now)
        self._tendered(order)
        return True

    def _tendered(self, order: Order) -> None:
        """The payment provider's payment of another amount has been called off."""
        if order.intent is not None and order.payment in ("pending", "failed"):
            order.payment = "voided"
        if not order.outstanding:
            order.paid()

    def pay(self, order_id: str) -> None:
        """The provider has collected what was outstanding."""
        order = self.orders[order_id]
        order.paid()
        order.issued = [
            Card(self.currency, amount, "paid", bought=True, place=(order_id, number))
            for number, amount in enumerate(order.bought)
        ]
        self.new_cards += order.issued

    def refund(self, order_id: str, amount: int) -> None:
        """Money goes back for an order: for its goods first, then for the gift cards it bought, while they last."""
        order = self.orders[order_id]
        before = order.refunded_for_cards
        order.refund(amount)
        excess = order.refunded_for_cards - before
        for card in order.issued:
            taken = min(excess, card.balance)
            if taken:
                excess, card.balance = excess - taken, card.balance - taken
                card.status = card.status if card.balance else "cancelled"
                card.holds.clear()

    def cancel_order(self, order_id: str, now: datetime) -> bool:
        order = self.orders[order_id]
        if order.status not in ("pending_payment", "pending", "processing"):
            return False
        if order.intent is not None and order.payment in ("pending", "failed"):
            order.payment = "voided"
        back = {name: tender.remaining for name, tender in order.tenders.items() if tender.remaining}
        if order.payment in COLLECTED:
            self.refund(order_id, sum(back.values()))
        order.status, order.due = "cancelled", None
        replaced: dict[str, Card] = {}
        for name, amount in back.items():
            self._give_back(order.tenders[name], name, amount, replaced, now)
        self.new_cards += replaced.values()
        return True

    def refund_card(self, order_id: str, redemption_id: str, amount: int, now: datetime) -> bool:
        order = self.orders[order_id]
        tender = order.tenders[redemption_id]
        if order.payment not in COLLECTED or order.status == "cancelled" or not 0 < amount <= tender.remaining:
            return False
        replaced: dict[str, Card] = {}
        self.refund(order_id, amount)
        self._give_back(tender, redemption_id, amount, replaced, now)
        self.new_cards += replaced.values()
        return True

    def _give_back(self, tender: Tender, name: str, amount: int, replaced: dict[str, Card], now: datetime) -> None:
        tender.back += amount
        if tender.kind == "store_credit":
            lot = self.lots[name]
            if lot.over(now):  # what was left of it has lapsed, swept or not
                lot.remaining, lot.ends = 0, now + GRACE
            lot.remaining += amount
            return
        card = self.cards[tender.source]
        if card.status == "cancelled" or card.over(now):
            card = replaced.setdefault(
                tender.source, Card(card.currency, 0, "refund", card.ends and max(card.ends, now + GRACE))
            )
        card.balance += amount

    def ship(self, order_id: str) -> bool:
        order = self.orders[order_id]
        if order.status not in ("pending", "processing") or order.payment not in ("paid", "partially_refunded"):
            return False
        order.status = "shipped"
        return True

    # What the merchant does with cards

    def move(self, serial: str, sources: tuple[str, ...], target: str) -> bool:
        card = self.cards[serial]
        if card.status not in sources:
            return False
        card.status = target
        if target != "active":
            card.holds.clear()
        return True

    def cancel_card(self, serial: str, disposition: str | None) -> bool:
        card = self.cards[serial]
        if card.status == "cancelled" or (card.balance and disposition is None):
            return False
        if card.balance and disposition == "refund_original" and (card.funding != "paid" or card.bought):
            return False
        if card.balance and disposition == "transfer":
            self.new_cards.append(Card(card.currency, card.balance, card.funding, card.ends, bought=card.bought))
        card.status, card.balance = "cancelled", 0
        card.holds.clear()
        return True

    def transfer(self, serial: str) -> bool:
        card = self.cards[serial]
        if card.status == "cancelled":
            return False
        card.generation += 1
        card.holds.clear()
        return True

    # What schedules do

    def overdue_holds(self, now: datetime) -> set[str]:
        return {name for card in self.cards.values() for name, hold in card.holds.items() if hold.until <= now}

    def sweep_holds(self, now: datetime) -> None:
        for card in self.cards.values():
            card.holds = {name: hold for name, hold in card.holds.items() if now < hold.until}

    def overdue_cards(self, now: datetime) -> set[str]:
        return {
            serial
            for serial, card in self.cards.items()
            if card.over(now) and card.balance and card.status != "cancelled"
        }

    def expire_cards(self, now: datetime) -> None:
        for serial in self.overdue_cards(now):
            self.cards[serial].balance = 0
            self.cards[serial].holds.clear()

    def overdue_lots(self, now: datetime) -> set[str]:
        return {name for name, lot in self.lots.items() if lot.over(now) and lot.remaining}

    def expire_lots(self, now: datetime) -> None:
        for name in self.overdue_lots(now):
            self.lots[name].remaining = 0

    def overdue_orders(self, now: datetime) -> list[str]:
        return [name for name, order in self.orders.items() if order.due is not None and order.due <= now]
