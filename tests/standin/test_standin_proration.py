"""What a change in mid-period costs, to the second and to the cent."""

import random
from fractions import Fraction
from typing import Any

import pytest
import stripe

DAY = 86400
RUNS = 12


def change(client: Any, subscription: Any, **params: Any) -> Any:
    """Change the one item of a subscription."""
    item = {"id": subscription["items"].data[0].id}
    item |= {name: params.pop(name) for name in ("price", "quantity") if name in params}
    return client.v1.subscriptions.update(subscription.id, {"items": [item]} | params)


def pending(client: Any, subscription: Any) -> Any:
    """Give the amounts of the pending items, oldest first."""
    listed = client.v1.invoice_items.list({"customer": subscription.customer, "pending": True, "limit": 100})
    return [item.amount for item in reversed(listed.data)]


def latest(client: Any, subscription: Any) -> Any:
    return client.v1.invoices.retrieve(client.v1.subscriptions.retrieve(subscription.id).latest_invoice)


def test_an_upgrade_in_the_middle_costs_half_the_difference_at_the_renewal(
    client: Any, subscribe: Any, price: Any, time: Any, told: Any
) -> None:
    subscription = subscribe()
    time.at("2031-01-16T12:00:00")
    change(client, subscription, price=price(2000).id)
    assert pending(client, subscription) == [-500, 1000]
    assert told("invoiceitem") == ["invoiceitem.created", "invoiceitem.created"]
    assert latest(client, subscription).total == 1000

    time.at("2031-02-01T01:00:00")

    renewal = latest(client, subscription)
    assert [(line.amount, line.parent.subscription_item_details.proration) for line in renewal.lines.data] == [
        (-500, True), (1000, True), (2000, False),
    ]  # fmt: skip
    assert (renewal.total, renewal.amount_paid) == (2500, 2500)
    assert "Unused time on Gold after 16 Jan 2031" in [line.description for line in renewal.lines.data]


def test_always_invoice_charges_the_difference_at_once(client: Any, subscribe: Any, price: Any, time: Any) -> None:
    subscription = subscribe()
    time.at("2031-01-16T12:00:00")
    changed = change(client, subscription, price=price(2000).id, proration_behavior="always_invoice")
    invoice = latest(client, subscription)
    assert (invoice.total, invoice.amount_paid, invoice.billing_reason) == (500, 500, "subscription_update")
    assert changed["items"].data[0].current_period_end == time.at("2031-02-01")


def test_without_proration_the_new_price_begins_with_the_next_period(
    client: Any, subscribe: Any, price: Any, time: Any
) -> None:
    subscription = subscribe()
    time.at("2031-01-16T12:00:00")
    change(client, subscription, price=price(2000).id, proration_behavior="none")
    assert pending(client, subscription) == []
    time.at("2031-02-01T01:00:00")
    assert latest(client, subscription).total == 2000


def test_a_credit_gives_back_what_was_debited_not_what_it_costs_now(
    client: Any, subscribe: Any, price: Any, time: Any
) -> None:
    subscription = subscribe()
    change(client, subscription, price=price(9000).id, proration_behavior="none")
    time.at("2031-01-16T12:00:00")
    client.v1.subscriptions.cancel(subscription.id, {"prorate": True})
    assert pending(client, subscription) == [-500]


def test_a_downgrade_leaves_a_credit_on_the_balance_that_pays_the_next_invoice(
    client: Any, subscribe: Any, price: Any, time: Any, told: Any
) -> None:
    subscription = subscribe(unit_amount=6000)
    time.at("2031-01-16T12:00:00")
    change(client, subscription, price=price(1000).id, proration_behavior="always_invoice")
    invoice = latest(client, subscription)
    assert (invoice.total, invoice.amount_due, invoice.status, invoice.ending_balance) == (-2500, 0, "paid", -2500)
    assert client.v1.customers.retrieve(subscription.customer).balance == -2500
    time.at("2031-02-01T01:00:00")
    renewal = latest(client, subscription)
    assert (renewal.total, renewal.starting_balance, renewal.amount_due, renewal.ending_balance) == (
        1000,
        -2500,
        0,
        -1500,
    )
    time.at("2031-03-01T01:00:00")
    time.at("2031-04-01T01:00:00")
    assert (latest(client, subscription).amount_due, latest(client, subscription).amount_paid) == (500, 500)
    assert client.v1.customers.retrieve(subscription.customer).balance == 0


def test_too_little_to_charge_waits_on_the_balance(client: Any, subscribe: Any, price: Any, time: Any) -> None:
    subscription = subscribe()
    time.at("2031-01-31")
    change(client, subscription, price=price(2000).id, proration_behavior="always_invoice")
    invoice = latest(client, subscription)
    # 1/31 of 10.00 back and of 20.00 on: 65 - 32 cents, below what a card can carry.
    assert (invoice.total, invoice.amount_due, invoice.status) == (33, 0, "paid")
    assert client.v1.customers.retrieve(subscription.customer).balance == 33
    time.at("2031-02-01T01:00:00")
    assert latest(client, subscription).amount_paid == 2033


def test_quantity_and_further_items_are_prorated_too(client: Any, subscribe: Any, price: Any, time: Any) -> None:
    subscription = subscribe()
    time.at("2031-01-16T12:00:00")
    change(client, subscription, quantity=3)
    assert pending(client, subscription) == [-500, 1500]
    grown = client.v1.subscriptions.update(subscription.id, {"items": [{"price": price(400).id, "quantity": 2}]})
    assert pending(client, subscription) == [-500, 1500, 400]
    second = grown["items"].data[1]
    assert second.current_period_end == grown["items"].data[0].current_period_end
    client.v1.subscriptions.update(subscription.id, {"items": [{"id": second.id, "deleted": True}]})
    assert pending(client, subscription) == [-500, 1500, 400, -400]
    with pytest.raises(stripe.InvalidRequestError, match="at least one active item"):
        client.v1.subscriptions.update(
            subscription.id, {"items": [{"id": subscription["items"].data[0].id, "deleted": True}]}
        )
    assert pending(client, subscription) == [-500, 1500, 400, -400]


def test_another_interval_begins_a_new_period_and_bills_it_at_once(
    client: Any, subscribe: Any, price: Any, time: Any
) -> None:
    subscription = subscribe()
    now = time.at("2031-01-16T12:00:00")
    yearly = change(client, subscription, price=price(10000, interval="year").id)
    assert (yearly.billing_cycle_anchor, yearly["items"].data[0].current_period_start) == (now, now)
    invoice = latest(client, subscription)
    assert [line.amount for line in invoice.lines.data] == [-500, 10000]
    assert invoice.amount_paid == 9500


def test_from_free_to_paid_begins_a_new_period(client: Any, subscribe: Any, price: Any, time: Any) -> None:
    subscription = subscribe(unit_amount=0)
    now = time.by(days=10)
    paid = change(client, subscription, price=price(1000).id)
    assert (paid.billing_cycle_anchor, latest(client, subscription).amount_paid) == (now, 1000)


def test_the_anchor_can_be_set_to_now(client: Any, subscribe: Any, time: Any) -> None:
    subscription = subscribe()
    now = time.at("2031-01-16T12:00:00")
    moved = client.v1.subscriptions.update(subscription.id, {"billing_cycle_anchor": {"type": "now"}})
    assert moved.billing_cycle_anchor == now
    assert latest(client, subscription).total == 500


def test_a_first_period_up_to_an_anchor_costs_its_share(client: Any, subscribe: Any, time: Any) -> None:
    time.at("2031-01-16T12:00:00")
    anchor = time.at("2031-01-16T12:00:00") + 15 * DAY + DAY // 2
    made = subscribe(billing_cycle_anchor=anchor, expand=["latest_invoice"])
    assert (made.latest_invoice.total, made["items"].data[0].current_period_end) == (500, anchor)
    gift = subscribe(billing_cycle_anchor=anchor, proration_behavior="none")
    assert gift.latest_invoice is None
    time.to(anchor + 3600)
    assert [latest(client, one).amount_paid for one in (made, gift)] == [1000, 1000]


def test_a_preview_says_to_the_cent_what_the_change_then_costs_and_changes_nothing(
    client: Any, control: Any, subscribe: Any, price: Any, time: Any, told: Any
) -> None:
    subscription = subscribe(unit_amount=1999)
    moment = time.at("2031-01-09T07:31:13")
    dearer = price(4999).id
    item = subscription["items"].data[0].id
    details = {
        "items": [{"id": item, "price": dearer}],
        "proration_behavior": "always_invoice",
        "proration_date": moment,
    }
    before = control.get("/state").json()

    preview = client.v1.invoices.create_preview({"subscription": subscription.id, "subscription_details": details})

    after = control.get("/state").json()
    assert after["accounts"][0]["objects"] == before["accounts"][0]["objects"]
    assert preview.id.startswith("upcoming_in_")
    time.by(hours=5)
    client.v1.subscriptions.update(subscription.id, details)
    invoice = latest(client, subscription)
    assert [line.amount for line in invoice.lines.data] == [line.amount for line in preview.lines.data]
    assert invoice.total == preview.total == invoice.amount_paid
    upcoming = client.v1.invoices.create_preview({"subscription": subscription.id})
    assert (upcoming.total, upcoming.billing_reason) == (4999, "upcoming")
    with pytest.raises(stripe.InvalidRequestError, match="within the current"):
        client.v1.subscriptions.update(subscription.id, details | {"proration_date": moment - 30 * DAY})
    client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoices.create_preview({"subscription": subscription.id})
    assert (caught.value.http_status, caught.value.code) == (404, "invoice_upcoming_none")


def test_a_new_subscription_can_be_previewed(client: Any, customer: Any, price: Any) -> None:
    details = {"items": [{"price": price(1500).id, "quantity": 2}]}
    preview = client.v1.invoices.create_preview({"customer": customer().id, "subscription_details": details})
    assert preview.total == 3000
    assert client.v1.subscriptions.list({"status": "all"}).data == []


@pytest.mark.parametrize("behavior", ["allow_incomplete", "default_incomplete", "error_if_incomplete"])
def test_an_upgrade_that_cannot_be_paid(
    client: Any, subscribe: Any, price: Any, time: Any, told: Any, behavior: Any
) -> None:
    subscription = subscribe()
    declining = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": subscription.customer})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": declining.id})
    time.at("2031-01-16T12:00:00")
    dearer = price(9000).id
    params = {"price": dearer, "proration_behavior": "always_invoice", "payment_behavior": behavior}
    if behavior == "error_if_incomplete":
        with pytest.raises(stripe.CardError):
            change(client, subscription, **params)
        same = client.v1.subscriptions.retrieve(subscription.id)
        assert (same.status, same["items"].data[0].price.unit_amount) == ("active", 1000)
        assert (pending(client, subscription), told("invoiceitem")) == ([], [])
        assert client.v1.payment_intents.list().data[0].status == "canceled"
        return
    changed = change(client, subscription, **params)
    assert (changed.status, changed["items"].data[0].price.id) == ("past_due", dearer)
    invoice = latest(client, subscription)
    assert (invoice.status, invoice.amount_remaining) == ("open", 4000)
    good = client.v1.payment_methods.attach("pm_card_visa", {"customer": subscription.customer})
    client.v1.invoices.pay(invoice.id, {"payment_method": good.id})
    assert client.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_a_discount_is_in_the_prorations(client: Any, subscribe: Any, price: Any, time: Any) -> None:
    client.v1.coupons.create({"percent_off": 20, "duration": "forever", "id": "FIFTH"})
    subscription = subscribe(discounts=[{"coupon": "FIFTH"}])
    time.at("2031-01-16T12:00:00")
    change(client, subscription, price=price(2000).id)
    assert pending(client, subscription) == [-400, 800]
    time.at("2031-02-01T01:00:00")
    assert latest(client, subscription).total == 400 + 1600


def test_on_trial_nothing_is_prorated(client: Any, subscribe: Any, price: Any, time: Any) -> None:
    subscription = subscribe(trial_period_days=20)
    time.by(days=5)
    change(client, subscription, price=price(2000).id, proration_behavior="always_invoice")
    assert pending(client, subscription) == []
    time.to(subscription.trial_end + 3600)
    assert latest(client, subscription).total == 2000


def half_up(value: Fraction) -> int:
    return int(value + Fraction(1, 2))


class Expected:
    """An account of its own of one subscription's period: what each change should pend, and its exact share."""

    def __init__(self, start: int, end: int, worth: int) -> None:
        self.end, self.whole = end, end - start
        self.worth, self.since, self.debited = worth, start, worth
        self.first, self.exact = worth, Fraction(0)
        self.lines: list[int] = []

    def change(self, moment: int, worth: int) -> None:
        rest = self.end - moment
        credit = half_up(Fraction(self.debited * rest, self.end - self.since))
        self.exact += Fraction(self.worth * (moment - self.since), self.whole)
        self.worth, self.since = worth, moment
        self.debited = half_up(Fraction(worth * rest, self.whole))
        self.lines += [amount for amount in (-credit, self.debited) if amount]

    def share(self) -> Fraction:
        return self.exact + Fraction(self.worth * (self.end - self.since), self.whole)


def test_any_changes_within_a_period_net_to_the_exact_share_of_each(
    client: Any, subscribe: Any, price: Any, time: Any
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    pick = random.Random(seed)
    prices = [(price(amount).id, amount) for amount in (1, 333, 999, 1000, 4999, 12345)]
    start = time.at("2031-01-01")
    end = start + 31 * DAY
    running = []
    for _ in range(RUNS):
        (chosen, amount), quantity = pick.choice(prices), pick.randint(1, 4)
        made = subscribe(items=[{"price": chosen, "quantity": quantity}])
        running.append((made, (chosen, quantity), Expected(start, end, amount * quantity)))
    for moment in sorted(pick.sample(range(start + 1, end), 8)):
        time.to(moment)
        for place, (made, before, expected) in enumerate(running):
            (chosen, amount), quantity = pick.choice(prices), pick.randint(1, 4)
            change(client, made, price=chosen, quantity=quantity)
            if (chosen, quantity) != before:
                expected.change(moment, amount * quantity)
                running[place] = (made, (chosen, quantity), expected)
    for made, _, expected in running:
        lines = pending(client, made)
        assert lines == expected.lines, seed
        total = expected.first + sum(lines)
        # Each line is rounded once, by half a cent at most, and a credit never gives back more than was debited.
        assert abs(total - expected.share()) <= Fraction(len(lines), 2), (seed, lines)
        assert total >= 0, (seed, lines)


def test_changing_there_and_back_at_once_costs_nothing(client: Any, subscribe: Any, price: Any, time: Any) -> None:
    subscription = subscribe(unit_amount=1999)
    was = subscription["items"].data[0].price.id
    time.at("2031-01-11T03:04:05")
    for chosen in (price(777).id, price(31337).id, was):
        change(client, subscription, price=chosen)
    assert sum(pending(client, subscription)) == 0
