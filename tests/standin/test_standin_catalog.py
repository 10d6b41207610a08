"""Products, prices, coupons and meters."""

from typing import Any

import pytest
import stripe

MONTHLY = {"interval": "month"}
TIERS = [{"up_to": 5, "unit_amount": 700, "flat_amount": 100}, {"up_to": "inf", "unit_amount_decimal": "650.5"}]


def refusal(call: Any, *arguments: Any) -> tuple[Any, Any]:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        call(*arguments)
    return caught.value.code, caught.value.param


def test_a_product_lives_changes_and_is_deleted_while_nothing_is_priced(client: Any, told: Any) -> None:
    product = client.v1.products.create({"name": "Gold", "metadata": {"tier": "1"}})
    changed = client.v1.products.update(product.id, {"name": "Platinum", "active": False})
    assert (changed.name, changed.active, changed.metadata.to_dict()) == ("Platinum", False, {"tier": "1"})
    assert client.v1.products.list({"active": True}).data == []

    assert client.v1.products.delete(product.id).deleted

    assert refusal(client.v1.products.retrieve, product.id) == ("resource_missing", "id")
    assert told() == ["product.created", "product.updated", "product.deleted"]


def test_a_product_with_a_price_stays(client: Any) -> None:
    data = {"unit_amount": 500, "currency": "usd", "recurring": MONTHLY}
    product = client.v1.products.create({"name": "Gold", "default_price_data": data})
    assert client.v1.prices.retrieve(product.default_price, {"expand": ["product"]}).product.id == product.id
    with pytest.raises(stripe.InvalidRequestError, match="user-created prices"):
        client.v1.products.delete(product.id)
    assert refusal(client.v1.products.create, {"id": product.id, "name": "x"}) == ("resource_already_exists", "id")


def test_a_price_shows_its_exact_amount_and_never_changes_it(client: Any, price: Any) -> None:
    exact = price(None, unit_amount_decimal="10.250")
    assert (exact.unit_amount, str(exact.unit_amount_decimal)) == (None, "10.25")
    whole = price(1000, recurring={"interval": "month", "interval_count": 3})
    assert (whole.unit_amount, whole.type, whole.recurring.interval_count) == (1000, "recurring", 3)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.prices.update(whole.id, {"unit_amount": 1})
    assert (caught.value.code, caught.value.param) == ("parameter_unknown", "unit_amount")
    assert client.v1.prices.update(whole.id, {"active": False}).active is False
    assert [one.id for one in client.v1.prices.list({"active": True}).data] == [exact.id]


def test_a_lookup_key_names_one_price_at_a_time(client: Any, price: Any) -> None:
    first = price(lookup_key="gold")
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        price(lookup_key="gold")
    second = price(lookup_key="gold", transfer_lookup_key=True)
    assert [one.id for one in client.v1.prices.list({"lookup_keys": ["gold"]}).data] == [second.id]
    assert client.v1.prices.retrieve(first.id).lookup_key is None


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"unit_amount": -1}, "parameter_invalid_integer", "unit_amount"),
        ({"unit_amount_decimal": "1.5"}, None, "unit_amount"),
        ({"recurring": {"interval": "fortnight"}}, None, "recurring[interval]"),
        ({"recurring": {"interval": "year", "interval_count": 4}}, None, "recurring[interval_count]"),
        ({"recurring": {"interval": "month", "usage_type": "metered"}}, "parameter_missing", "recurring[meter]"),
        ({"recurring": {"interval": "month", "meter": "mtr_none"}}, None, "recurring[meter]"),
        ({"tiers": TIERS}, None, "tiers"),
        ({"billing_scheme": "tiered", "tiers": TIERS}, "parameter_missing", "tiers_mode"),
        ({"billing_scheme": "tiered", "tiers": TIERS, "tiers_mode": "graduated"}, None, "unit_amount"),
        ({"currency": "zzz"}, None, "currency"),
        ({"product": "prod_none", "product_data": None}, "resource_missing", "product"),
        ({"custom_unit_amount": {"enabled": True}}, "standin_unsupported_parameter", "custom_unit_amount"),
    ],
)
def test_a_price_stripe_would_not_make_is_refused_by_name(client: Any, params: Any, code: Any, param: Any) -> None:
    base = {"unit_amount": 1, "currency": "usd", "recurring": MONTHLY, "product_data": {"name": "Gold"}}
    given = {name: value for name, value in (base | params).items() if value is not None}
    assert refusal(client.v1.prices.create, given) == (code, param)


@pytest.mark.parametrize(
    "bounds", [[5], [5, 5, "inf"], [5, 3, "inf"], ["inf", 5], [0, "inf"]], ids=lambda bounds: str(bounds)
)
def test_tiers_rise_and_end_open(price: Any, bounds: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        price(
            None,
            billing_scheme="tiered",
            tiers_mode="graduated",
            tiers=[{"up_to": bound, "unit_amount": 1} for bound in bounds],
        )
    assert caught.value.param == "tiers"


@pytest.mark.parametrize(
    ("mode", "quantity", "amounts"),
    [
        ("graduated", 3, [2100, 100]),
        # 2 x 650.5 is 1301 exactly; 3 x 650.5 is 1951.5, and halves go away from zero.
        ("graduated", 7, [3500, 100, 1301]),
        ("graduated", 8, [3500, 100, 1952]),
        ("volume", 5, [3500, 100]),
        ("volume", 7, [4554]),
    ],
)
def test_tiers_bill_each_unit_where_it_falls(
    client: Any, price: Any, subscribe: Any, mode: Any, quantity: Any, amounts: Any
) -> None:
    tiered = price(None, billing_scheme="tiered", tiers_mode=mode, tiers=TIERS)
    subscription = subscribe(items=[{"price": tiered.id, "quantity": quantity}], expand=["latest_invoice"])
    invoice = subscription.latest_invoice
    assert [line.amount for line in invoice.lines.data] == amounts
    assert invoice.total == invoice.amount_paid == sum(amounts)
    shown = client.v1.prices.retrieve(tiered.id, {"expand": ["tiers"]})
    assert [tier.up_to for tier in shown.tiers] == [5, None]
    assert "tiers" not in client.v1.prices.retrieve(tiered.id).to_dict()


def test_a_quantity_is_packed_before_it_is_priced(subscribe: Any, price: Any) -> None:
    packed = price(300, transform_quantity={"divide_by": 10, "round": "up"})
    made = subscribe(items=[{"price": packed.id, "quantity": 21}], expand=["latest_invoice"])
    assert made.latest_invoice.total == 900


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({}, None, "percent_off"),
        ({"percent_off": 10, "amount_off": 5, "currency": "usd"}, None, "percent_off"),
        ({"percent_off": 101}, None, "percent_off"),
        ({"amount_off": 500}, "parameter_missing", "currency"),
        ({"percent_off": 5, "duration": "repeating"}, None, "duration_in_months"),
    ],
)
def test_a_coupon_takes_off_a_percentage_or_an_amount(client: Any, params: Any, code: Any, param: Any) -> None:
    assert refusal(client.v1.coupons.create, params) == (code, param)


def test_a_coupon_is_redeemed_as_often_and_as_long_as_it_says(
    client: Any, subscribe: Any, time: Any, told: Any
) -> None:
    coupon = client.v1.coupons.create({"percent_off": 25, "max_redemptions": 1, "id": "QUARTER"})
    made = subscribe(discounts=[{"coupon": "QUARTER"}], expand=["latest_invoice", "discounts"])
    invoice = made.latest_invoice
    assert (invoice.subtotal, invoice.total, invoice.total_discount_amounts[0].amount) == (1000, 750, 250)
    assert made.discounts[0].source.coupon == "QUARTER"
    assert (client.v1.coupons.retrieve(coupon.id).times_redeemed, "customer.discount.created" in told()) == (1, True)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        subscribe(discounts=[{"coupon": "QUARTER"}])
    assert (caught.value.code, caught.value.param) == ("coupon_expired", "discounts[0][coupon]")

    time.by(days=31, hours=2)

    assert client.v1.invoices.list({"subscription": made.id}).data[0].total == 1000


def test_an_amount_off_is_shared_by_the_lines_to_the_cent(client: Any, subscribe: Any, price: Any, time: Any) -> None:
    client.v1.coupons.create({"amount_off": 1000, "currency": "usd", "duration": "repeating", "duration_in_months": 2,
                              "id": "TEN"})  # fmt: skip
    prices = [price(amount) for amount in (333, 334, 1000)]
    made = subscribe(items=[{"price": one.id} for one in prices], discounts=[{"coupon": "TEN"}])
    time.by(days=60)
    totals = [invoice.total for invoice in client.v1.invoices.list({"subscription": made.id}).data]
    assert totals == [1667, 667, 667]
    first = client.v1.invoices.list({"subscription": made.id}).data[-1]
    parts = [line.discount_amounts[0].amount for line in first.lines.data]
    assert (sum(parts), parts) == (1000, [200, 200, 600])


def test_metered_usage_is_billed_when_the_period_has_ended(client: Any, price: Any, subscribe: Any, time: Any) -> None:
    meter = client.v1.billing.meters.create(
        {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    )
    metered = price(
        None,
        unit_amount_decimal="0.5",
        recurring={"interval": "month", "usage_type": "metered", "meter": meter.id},
    )
    with pytest.raises(stripe.InvalidRequestError, match="Remove quantity"):
        subscribe(items=[{"price": metered.id, "quantity": 2}])
    made = subscribe(items=[{"price": price(1000).id}, {"price": metered.id}], expand=["latest_invoice"])
    assert [line.amount for line in made.latest_invoice.lines.data] == [1000]

    def use(value: str, identifier: str) -> None:
        payload = {"stripe_customer_id": made.customer, "value": value}
        client.v1.billing.meter_events.create({"event_name": "calls", "payload": payload, "identifier": identifier})

    use("101", "a")
    time.by(days=10)
    use("200", "b")
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        use("200", "b")
    assert client.v1.invoices.create_preview({"subscription": made.id}).total == 1151
    time.by(days=22)
    renewal = client.v1.invoices.list({"subscription": made.id}).data[0]
    # 301 x 0.5 is 150.5.
    assert [line.amount for line in renewal.lines.data] == [151, 1000]
