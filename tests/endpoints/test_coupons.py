"""CP-01…04, CA-06, CA-07, CK-04, PR-01, PR-03: coupons, from those who make them to the orders that use them."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from commerce.kernel import clock
from commerce.kernel.caller import Caller, CheckoutPolicy, Mode, Role, ShippingOption, Tenant
from commerce.kernel.errors import Conflict
from commerce.orders import placing
from commerce.orders.model import Order
from commerce.orders.placing import PlaceOrder, WantedItem
from commerce.table.transaction import Transaction, run
from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe
from tests.shop import OTHER_TENANT, Answered, Call, Credential, customer_credential, handler
from tests.streams import Stream, audited, deliver

OPTIONS = (ShippingOption("standard", "Standard", 0), ShippingOption("express", "Express", 950))
TENANT = Tenant(
    "ten_1",
    Mode.TEST,
    "USD",
    "America/New_York",
    "US",
    ("wh_001", "wh_002"),
    checkout=CheckoutPolicy(shipping_options=OPTIONS),
)
NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


class Till:
    """A shop with a shirt for 29.99 and a mug for 10.00, and Jane, who buys."""

    def __init__(self, call: Call) -> None:
        self.shop = Shop(call, TENANT).open()
        self.jane = self.shop.customer()
        self.shirt = self.shop.product("TEE", Decimal("29.99"), stock=100)["id"]
        self.mug = self.shop.product("MUG", 10, stock=100)["id"]

    def coupon(self, code: str = "SALE", kind: str = "percentage", value: Any = 25, **terms: Any) -> Any:
        body = {"code": code, "discount_type": kind, "discount_value": value} | terms
        return self.shop.do("admin/coupons/create_coupon", body=body)

    def look(self, coupon: Any) -> Any:
        return self.shop.do("admin/coupons/get_coupon", id=coupon["id"])

    def change(self, coupon: Any, **changes: Any) -> Any:
        return self.shop.do("admin/coupons/change_coupon", method="PUT", id=coupon["id"], body=changes)

    def fill(self, *lines: tuple[str, int], by: Credential | None = None) -> Any:
        return [self.shop.add_to_cart(by or self.jane, product, units) for product, units in lines][-1]

    def ask(self, name: str, by: Credential | None = None, **request: Any) -> Answered:
        answered: Answered = self.shop.call(f"storefront/carts/{name}", credential=by or self.jane, **request)
        return answered

    def apply(self, code: str, by: Credential | None = None) -> Answered:
        return self.ask("apply_cart_coupon", by, body={"code": code})

    def cart(self) -> Any:
        return self.shop.do("storefront/carts/get_cart", by=self.jane)

    def check_out(self, by: Credential | None = None) -> Any:
        answered = self.ask("checkout_cart", by)
        assert answered.status == 201, answered.text
        return self.shop.do("admin/orders/get_order", order_id=answered.body["data"]["order_id"])

    def validate(self, code: str, order_total: Any, **more: Any) -> Any:
        body = {"code": code, "order_total": order_total} | more
        return self.shop.do("admin/coupons/validate_coupon", body=body)

    def buy(self, code: str, units: int = 1, by: Credential | None = None) -> Any:
        self.fill((self.shirt, units), by=by)
        assert self.apply(code, by).status == 201
        return self.check_out(by)


@pytest.fixture
def till(call: Call, table: Any) -> Iterator[Till]:
    yield Till(call)
    check(table.scan()["Items"])


def reason(refused: Answered) -> str:
    assert refused.status == 409, refused.text
    return str(refused.body["error"]["details"][0]["code"])


# The merchant


def test_a_coupon_is_made_listed_and_read(till: Till) -> None:
    made = till.coupon("SPRING25", max_uses=50, min_order_amount=100, expires_at="2026-06-01T00:00:00Z")
    till.coupon("OTHER")

    assert (made["code"], made["discount_type"], made["discount_value"]) == ("SPRING25", "percentage", 25)
    assert (made["usage_count"], made["max_uses"], made["min_order_amount"]) == (0, 50, 100)
    assert (made["expires_at"], made["active"], made["version"]) == ("2026-06-01T00:00:00Z", True, 1)
    assert till.look(made) == made
    assert {each["code"] for each in till.shop.do("admin/coupons/list_coupons")} == {"OTHER", "SPRING25"}
    assert {each["code"] for each in till.shop.do("v2/coupons/list_coupons")["data"]} == {"OTHER", "SPRING25"}


def test_a_code_is_unique_whatever_its_case(till: Till) -> None:
    till.coupon("Spring25")

    again = till.shop.call(
        "admin/coupons/create_coupon", body={"code": "sPRING25", "discount_type": "percentage", "discount_value": 5}
    )

    assert reason(again) == "duplicate_code"


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"discount_type": "percentage", "discount_value": 101}, "percentage_out_of_range"),
        ({"discount_type": "percentage", "discount_value": 0}, "percentage_out_of_range"),
        ({"discount_type": "percentage", "discount_value": Decimal("12.345")}, "percentage_out_of_range"),
        ({"discount_type": "percentage"}, "wrong_amount"),
        ({"discount_type": "fixed_amount"}, "wrong_amount"),
        ({"discount_type": "fixed_amount", "discount_value": 0}, "amount_out_of_range"),
        ({"discount_type": "fixed_amount", "discount_value": Decimal("5.001")}, "too_many_decimal_places"),
        ({"discount_type": "free_shipping", "discount_value": 5}, "wrong_amount"),
        ({"discount_type": "free_shipping", "duration": "repeating"}, "wrong_duration"),
        ({"discount_type": "free_shipping", "starts_at": "2026-03-21", "expires_at": "2026-03-20"}, "empty_period"),
        ({"discount_type": "free_shipping", "discount_value": "5"}, "number"),
        ({"discount_type": "free_shipping", "code": "FREE SHIP"}, "string_pattern_mismatch"),
    ],
)
def test_a_coupon_that_makes_no_sense_is_refused(till: Till, terms: dict[str, Any], code: str) -> None:
    answered = till.shop.call("admin/coupons/create_coupon", body={"code": "SALE"} | terms)

    assert (answered.status, answered.body["error"]["details"][0]["code"]) == (422, code)


def test_a_date_is_good_through_its_end_in_the_shop(till: Till) -> None:
    coupon = till.coupon(starts_at="2026-03-08", expires_at="2026-03-08")

    assert coupon["starts_at"] == "2026-03-08T05:00:00Z"
    assert coupon["expires_at"] == "2026-03-09T04:00:00Z"  # the clocks go forward on this day


def test_terms_change_one_by_one_and_null_takes_a_limit_away(till: Till) -> None:
    coupon = till.coupon(max_uses=5, min_order_amount=20, product_ids=[till.shirt])

    changed = till.change(coupon, discount_value=Decimal("12.5"), max_uses=None)

    assert (changed["discount_value"], changed["max_uses"], changed["version"]) == (Decimal("12.5"), None, 2)
    assert (changed["min_order_amount"], changed["product_ids"]) == (20, [till.shirt])
    assert till.change(coupon, discount_value=Decimal("12.5")) == changed
    assert till.look(coupon) == changed


def test_a_fixed_amount_changes_in_major_units(till: Till) -> None:
    coupon = till.coupon(kind="fixed_amount", value=5)

    assert till.change(coupon, discount_value=Decimal("7.50"))["discount_value"] == Decimal("7.50")


def test_a_change_of_what_was_not_read_is_refused(till: Till) -> None:
    coupon = till.coupon()
    till.change(coupon, max_uses=9)

    stale = till.shop.call(
        "admin/coupons/change_coupon",
        method="PATCH",
        id=coupon["id"],
        body={"max_uses": 3},
        headers={"If-Match": '"1"'},
    )

    assert reason(stale) == "version_mismatch"


def test_a_coupon_of_another_shop_is_none(till: Till) -> None:
    coupon = till.coupon()
    stranger = Credential(tenant=OTHER_TENANT)

    for name in ("get_coupon", "deactivate_coupon"):
        assert till.shop.call(f"admin/coupons/{name}", id=coupon["id"], credential=stranger).status == 404
    assert till.look(coupon) == coupon


def test_v2_shows_and_takes_minor_units(till: Till) -> None:
    made = till.shop.do(
        "v2/coupons/create_coupon",
        body={
            "code": "SUMMER2026",
            "type": "fixed_amount",
            "amount": 750,
            "max_redemptions": 10,
            "restrictions": {"minimum_amount": 5000, "product_ids": [till.shirt], "first_time_transaction": True},
        },
    )

    assert (made["amount"], made["restrictions"]["minimum_amount"], made["times_redeemed"]) == (750, 5000, 0)
    assert till.shop.do("v2/coupons/get_coupon", id=made["id"]) == made
    seen = till.look(made)
    assert (seen["discount_value"], seen["min_order_amount"]) == (Decimal("7.50"), 50)
    refused = till.shop.call(
        "v2/coupons/create_coupon", body={"code": "HALF", "type": "fixed_amount", "amount": Decimal("7.5")}
    )
    assert (refused.status, refused.body["error"]["details"][0]["code"]) == (422, "too_many_decimal_places")


# What it would take off


def test_a_coupon_is_judged_against_a_total_and_no_use_is_counted(till: Till) -> None:
    coupon = till.coupon("SPRING25", max_uses=1, min_order_amount=100)

    judged = [till.validate("spring25", 150) for _ in range(3)]

    assert judged[0] == judged[2]
    assert (judged[0]["valid"], judged[0]["code"]) == (True, "SPRING25")
    assert (judged[0]["discount_amount"], judged[0]["new_total"]) == (Decimal("37.50"), Decimal("112.50"))
    assert till.look(coupon)["usage_count"] == 0


def test_a_coupon_that_does_not_hold_is_judged_with_200(till: Till) -> None:
    till.coupon("SPRING25", min_order_amount=100)

    small, unknown = till.validate("SPRING25", Decimal("99.99")), till.validate("NO SUCH", 10)

    assert (small["valid"], small["reason"], small["new_total"]) == (False, "coupon_below_minimum", Decimal("99.99"))
    assert (unknown["valid"], unknown["reason"], unknown["discount_type"]) == (False, "coupon_unknown", None)


def test_what_nobody_can_judge_is_named(till: Till) -> None:
    till.coupon(product_ids=[till.mug], first_time_transaction=True, per_customer_limit=1)
    till.fill((till.shirt, 1))
    till.check_out()

    total_alone = till.validate("SALE", 40)
    with_items = till.validate("SALE", 40, items=[{"product_id": till.shirt, "quantity": 1}])
    with_mug = till.validate("SALE", 40, items=[{"product_id": till.mug, "quantity": 2}])
    with_jane = till.validate("SALE", 40, customer_id=till.jane.customer_id)

    assert (total_alone["valid"], total_alone["discount_amount"]) == (True, 10)
    assert total_alone["conditional"] == ["product_ids", "first_time_transaction", "per_customer_limit"]
    assert (with_items["valid"], with_items["reason"]) == (False, "coupon_not_for_these_products")
    assert (with_mug["discount_amount"], with_mug["conditional"][:1]) == (5, ["first_time_transaction"])
    assert (with_jane["reason"], with_jane["conditional"]) == ("coupon_not_first_order", ["product_ids"])


# The cart


def test_the_cart_shows_what_the_order_will_charge(till: Till) -> None:
    till.coupon("TEN", value=Decimal("10.5"))
    till.fill((till.shirt, 2), (till.mug, 1))

    cart = till.apply("ten").body["data"]

    assert (cart["subtotal"], cart["discount"], cart["total"]) == (Decimal("69.98"), Decimal("7.35"), Decimal("62.63"))
    assert [each["discount"] for each in cart["items"]] == [Decimal("6.30"), Decimal("1.05")]
    [shown] = cart["discounts"]
    assert (shown["type"], shown["code"], shown["amount"], shown["shipping"]) == ("coupon", "TEN", Decimal("7.35"), 0)
    order = till.check_out()
    assert (order["discount"], order["total"]) == (cart["discount"], cart["total"])
    assert [each["discount"] for each in order["items"]] == [each["discount"] for each in cart["items"]]
    assert order["discounts"] == cart["discounts"]
    assert till.cart()["discounts"] == []


def test_a_use_is_counted_when_the_order_is_placed(till: Till) -> None:
    coupon = till.coupon(max_uses=2)
    till.fill((till.shirt, 1))
    till.apply("SALE")
    assert till.look(coupon)["usage_count"] == 0

    till.check_out()

    assert till.look(coupon)["usage_count"] == 1


def test_the_same_coupon_twice_counts_once_and_can_be_taken_off(till: Till) -> None:
    till.coupon()
    till.fill((till.mug, 1))
    till.apply("SALE")

    again = till.apply("sale").body["data"]
    without = till.ask("remove_cart_coupon", code="Sale").body["data"]

    assert (again["total"], len(again["discounts"])) == (Decimal("7.50"), 1)
    assert (without["total"], without["discounts"]) == (10, [])
    assert till.ask("remove_cart_coupon", code="SALE").status == 404


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"active": False}, "coupon_not_active"),
        ({"starts_at": "2026-03-20T12:00:01Z"}, "coupon_not_active"),
        ({"expires_at": "2026-03-20T12:00:00Z"}, "coupon_expired"),
        ({"min_order_amount": Decimal("10.01")}, "coupon_below_minimum"),
        ({"product_ids": ["prod_other"]}, "coupon_not_for_these_products"),
    ],
)
def test_a_coupon_that_does_not_hold_is_refused_with_its_reason(till: Till, terms: dict[str, Any], code: str) -> None:
    till.coupon(**terms)
    till.fill((till.mug, 1))

    with clock.use(lambda: NOW):
        assert reason(till.apply("SALE")) == code
    assert (till.cart()["total"], till.cart()["refused_coupons"]) == (10, [])


def test_a_code_that_nobody_knows_is_refused(till: Till) -> None:
    till.fill((till.mug, 1))

    assert reason(till.apply("NO SUCH CODE")) == "coupon_unknown"


def test_one_coupon_on_the_price_goes_with_one_on_shipping_and_with_no_other(till: Till) -> None:
    till.coupon("A")
    till.coupon("B", kind="fixed_amount", value=1)
    till.coupon("C", kind="free_shipping", value=None)
    till.fill((till.mug, 1))
    assert till.apply("A").status == till.apply("C").status == 201

    assert reason(till.apply("B")) == "coupon_not_combinable"
    assert [each["code"] for each in till.cart()["discounts"]] == ["A", "C"]


def test_an_order_never_costs_more_than_the_cart_silently(till: Till) -> None:
    coupon = till.coupon()
    till.fill((till.mug, 1))
    till.apply("SALE")
    till.shop.do("admin/coupons/deactivate_coupon", id=coupon["id"])

    cart, refused = till.cart(), till.ask("checkout_cart")

    assert (cart["total"], cart["refused_coupons"]) == (10, [{"code": "SALE", "problem": "coupon_not_active"}])
    assert reason(refused) == "coupon_not_active"
    assert "SALE" in refused.body["error"]["details"][0]["message"]
    till.ask("remove_cart_coupon", code="SALE")
    assert till.check_out()["total"] == 10


def test_a_coupon_that_takes_nothing_off_is_not_used(till: Till) -> None:
    coupon = till.coupon("SHIP", kind="free_shipping", value=None)
    till.fill((till.mug, 1))
    till.apply("SHIP")

    order = till.check_out()

    assert (order["discounts"], till.look(coupon)["usage_count"]) == ([], 0)


def test_an_order_that_is_free_by_its_coupon_is_paid(till: Till) -> None:
    till.coupon("FREE", value=100)

    order = till.buy("FREE")

    assert (order["total"], order["status"], order["payment_status"]) == (0, "pending", "paid")


def test_gift_cards_that_are_bought_are_not_discounted(till: Till) -> None:
    till.coupon("HALF", value=50, min_order_amount=20)
    body = {"gift_card": {"amount": 100, "recipient_email": "sam@example.com"}}
    till.shop.do("storefront/carts/add_cart_item", by=till.jane, body=body)
    till.fill((till.mug, 1))
    assert reason(till.apply("HALF")) == "coupon_below_minimum"
    till.fill((till.mug, 1))

    cart = till.apply("HALF").body["data"]

    assert (cart["subtotal"], cart["discount"], cart["total"]) == (120, 10, 110)
    assert till.check_out()["total"] == 110


# Limits


def test_the_last_use_is_the_last(till: Till) -> None:
    till.coupon(max_uses=2)
    joe = till.shop.customer("joe@example.com")
    till.buy("SALE")
    till.fill((till.mug, 1))
    till.fill((till.mug, 1), by=joe)
    assert till.apply("SALE").status == till.apply("SALE", joe).status == 201
    till.check_out(joe)

    assert reason(till.ask("checkout_cart")) == "coupon_exhausted"
    till.ask("remove_cart_coupon", code="SALE")
    assert till.check_out()["total"] == 10


def test_each_customer_has_so_many_uses(till: Till) -> None:
    till.coupon(per_customer_limit=1)
    till.buy("SALE")
    till.fill((till.mug, 1))

    assert reason(till.apply("SALE")) == "coupon_customer_limit"
    till.buy("SALE", by=till.shop.customer("joe@example.com"))


def test_a_cancelled_order_gives_its_use_back(till: Till) -> None:
    coupon = till.coupon(max_uses=1, per_customer_limit=1, first_time_transaction=True)
    order = till.buy("SALE")
    assert till.look(coupon)["usage_count"] == 1

    till.shop.do("storefront/orders/cancel_my_order", by=till.jane, order_id=order["id"])

    assert till.look(coupon)["usage_count"] == 0
    assert till.buy("SALE")["discount"] == Decimal("7.50")


def test_an_order_that_expires_gives_its_use_back(till: Till, stripe: Stripe) -> None:
    coupon = till.coupon(max_uses=1)
    till.buy("SALE")

    later = clock.now() + timedelta(hours=2)
    with clock.use(lambda: later):
        assert handler("schedules/expire_orders").handler({}, None) == {"done": 1, "failed": 0}

    assert till.look(coupon)["usage_count"] == 0


def test_a_paid_order_keeps_its_discount_whatever_becomes_of_the_coupon(till: Till) -> None:
    coupon = till.coupon()
    order = till.buy("SALE")

    till.change(coupon, discount_value=1, max_uses=1)
    till.shop.do("v2/coupons/deactivate_coupon", id=coupon["id"])

    assert till.shop.do("admin/orders/get_order", order_id=order["id"])["discount"] == order["discount"]
    assert till.look(coupon)["active"] is False


def test_the_first_order_is_the_first(till: Till) -> None:
    till.coupon("WELCOME", first_time_transaction=True)
    till.buy("WELCOME")
    till.fill((till.mug, 1))

    assert reason(till.apply("WELCOME")) == "coupon_not_first_order"


# What happens between reading and writing


class Interrupted:
    """An order of Jane's for a mug with the coupon, to which something happens between its reads and its writes."""

    def __init__(self, till: Till) -> None:
        self.till = till
        self.jane = Caller(TENANT, str(till.jane.customer_id), Role.CUSTOMER, customer_id=till.jane.customer_id)
        self.command = PlaceOrder(
            str(till.jane.customer_id), (WantedItem(till.mug, None, 1),), True, coupon_codes=("SALE",)
        )

    def place(self, happens: Callable[[], Any]) -> Order:
        pending = [happens]

        def plan(tx: Transaction) -> Order:
            drafted = placing.draft(self.jane, self.command)
            while pending:
                pending.pop()()
            return placing.add(tx, self.jane, drafted)

        return run(plan)


def test_an_order_is_priced_by_the_terms_that_its_use_is_counted_under(till: Till) -> None:
    coupon = till.coupon(value=50)

    order = Interrupted(till).place(lambda: till.change(coupon, discount_value=10))

    assert (order.discount.minor, till.look(coupon)["usage_count"]) == (100, 1)


@pytest.mark.parametrize(
    ("limits", "buyer", "code"),
    [
        ({"max_uses": 1}, "joe@example.com", "coupon_exhausted"),
        ({"per_customer_limit": 1}, None, "coupon_customer_limit"),
        ({"first_time_transaction": True}, None, "coupon_not_first_order"),
    ],
)
def test_a_use_that_another_order_takes_meanwhile_is_gone(
    till: Till, limits: dict[str, Any], buyer: str | None, code: str
) -> None:
    coupon = till.coupon(**limits)
    other = till.jane if buyer is None else till.shop.customer(buyer)

    with pytest.raises(Conflict) as refused:
        Interrupted(till).place(lambda: till.buy("SALE", by=other))

    assert (refused.value.reason, till.look(coupon)["usage_count"]) == (code, 1)


# Orders that name coupons


@pytest.mark.parametrize("endpoint", ["admin/orders/create_order", "v2/orders/create_order"])
def test_an_order_of_the_merchants_takes_coupons(till: Till, endpoint: str) -> None:
    coupon = till.coupon("HALF", value=50)
    body = {"customer_id": till.jane.customer_id, "items": [{"product_id": till.mug, "quantity": 2}]}

    placed = till.shop.do(endpoint, body=body | {"coupon_codes": ["half", "HALF"]})
    refused = till.shop.call(endpoint, body=body | {"coupon_codes": ["NONE"]}, credential=till.shop.merchant)

    assert (placed["total"], till.look(coupon)["usage_count"]) == (10, 1)
    assert reason(refused) == "coupon_unknown"


def test_a_customer_places_an_order_with_a_coupon(till: Till) -> None:
    till.coupon("HALF", value=50)
    body = {"items": [{"product_id": till.mug, "quantity": 2}], "coupon_codes": ["HALF"]}

    assert till.shop.do("storefront/orders/place_my_order", by=till.jane, body=body)["total"] == 10


def test_a_return_is_worth_what_was_paid_for_it(till: Till, stripe: Stripe) -> None:
    till.coupon("THIRD", value=Decimal("33.33"))
    order = till.buy("THIRD", units=3)
    intent = till.shop.start_payment(order["id"], int(order["total"] * 100))
    stripe.pay(intent)
    till.shop.settle(stripe)
    till.shop.move(order["id"], "shipped")
    line = order["items"][0]

    body = {"items": [{"order_item_id": line["id"], "quantity": 3, "reason": "wrong_size"}]}
    asked = till.shop.do("storefront/returns/request_return", by=till.jane, order_id=order["id"], body=body)

    assert (asked["total_refund"], order["total"]) == (Decimal("59.98"), Decimal("59.98"))


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_in_the_cart_the_order_comes_to_the_same(till: Till, seed: int) -> None:
    chance = random.Random(seed)
    conditions = {"buy_quantity": chance.randint(1, 2), "get_quantity": 1, "product_categories": ["cups"]}
    discount = {"name": "More cups", "type": "buy_x_get_y", "conditions": conditions}
    till.shop.do("v2/discounts/create_discount", body=discount)
    cups = [
        till.shop.product(f"CUP-{number}", Decimal(chance.randint(1, 5000)) / 100, stock=9, categories=["cups"])["id"]
        for number in range(3)
    ]
    till.coupon("ANY", value=Decimal(chance.randint(1, 10_000)) / 100, product_ids=chance.sample([*cups, till.mug], 2))
    till.fill(*((product, chance.randint(1, 4)) for product in chance.sample([*cups, till.mug], 4)))

    cart = till.apply("ANY").body["data"]
    order = till.check_out()

    assert cart["discount"] == sum(each["discount"] for each in cart["items"])
    assert cart["discount"] == sum(each["amount"] for each in cart["discounts"])
    parts = {each["product_id"]: each["discount"] for each in cart["items"]}
    assert {each["product_id"]: each["discount"] for each in order["items"]} == parts
    shown = [each for each in cart["discounts"] if each["amount"]]
    assert (order["total"], order["discounts"]) == (cart["total"], shown)


def test_the_audit_log_tells_of_a_coupons_terms_and_not_of_its_uses(till: Till, table: Any) -> None:
    stream = Stream(table)
    coupon = till.coupon()
    made = stream.read()
    till.buy("SALE")
    used = stream.read()
    till.change(coupon, max_uses=5)
    records = audited([*made, *used, *stream.read()])
    assert deliver("record_audit", records) == []

    entries = till.shop.do("v2/audit/list_audit_logs", query={"resource": "coupon"})["logs"]

    assert [each["action"] for each in entries] == ["coupon.updated", "coupon.created"]
    assert entries[0]["changes"] == {"max_redemptions": {"old": None, "new": 5}}


# The storefront's checkout


class Checkout:
    """Jane's checkout, with express shipping."""

    def __init__(self, till: Till) -> None:
        self.till, self.jane = till, customer_credential(str(till.jane.customer_id), TENANT)
        self.id = till.fill((till.shirt, 1), (till.mug, 2))["id"]
        address = {"lastName": "Doe", "address1": "1 Main St", "city": "Springfield", "countryCode": "US"}
        self.do("set_consignment", body={"address": address, "shippingOptionId": "express"})

    def do(self, name: str, **request: Any) -> Any:
        path = f"storefront/checkouts/{name}"
        return self.till.shop.do(path, by=self.jane, checkout_id=self.id, **request)["data"]


def test_a_checkout_shows_its_coupons_where_the_contract_has_them(till: Till) -> None:
    price, ship = till.coupon("TENTH", value=10), till.coupon("SHIP", kind="free_shipping", value=None)
    checkout = Checkout(till)
    checkout.do("add_checkout_coupon", body={"couponCode": "tenth"})

    shown = checkout.do("add_checkout_coupon", body={"couponCode": "SHIP"})

    assert (shown["subtotal"], shown["cart"]["discountAmount"]) == (Decimal("49.99"), Decimal("5.00"))
    assert (shown["shippingCostTotal"], shown["grandTotal"]) == (0, Decimal("44.99"))
    assert [(each["code"], each["couponType"], each["discountedAmount"]) for each in shown["cart"]["coupons"]] == [
        ("TENTH", "percentage", Decimal("5.00")),
        ("SHIP", "free_shipping", Decimal("9.50")),
    ]
    assert [each["id"] for each in shown["cart"]["coupons"]] == [price["id"], ship["id"]]
    assert [(type(each["id"]), each["couponType"]) for each in shown["coupons"]] == [(int, 0), (int, 2)]
    [consignment] = shown["consignments"]
    assert consignment["couponDiscounts"] == [{"code": "SHIP", "amount": Decimal("9.50")}]
    items = shown["cart"]["lineItems"][0]["physicalItems"]
    assert [(each["couponAmount"], each["discountAmount"]) for each in items] == [(3, 0), (2, 0)]

    placed = checkout.do("place_checkout_order")
    assert placed["grandTotal"] == shown["grandTotal"]
    assert placed["cart"]["coupons"] == shown["cart"]["coupons"]
    assert placed["cart"]["lineItems"][0]["physicalItems"][0]["couponAmount"] == 3
    assert [till.look(each)["usage_count"] for each in (price, ship)] == [1, 1]


def test_a_coupon_is_taken_off_a_checkout(till: Till) -> None:
    till.coupon("TENTH", value=10)
    checkout = Checkout(till)
    checkout.do("add_checkout_coupon", body={"couponCode": "TENTH"})

    shown = checkout.do("remove_checkout_coupon", code="tenth")

    assert (shown["coupons"], shown["grandTotal"]) == ([], Decimal("59.49"))


def test_another_customers_checkout_takes_no_coupon(till: Till) -> None:
    till.coupon("TENTH", value=10)
    checkout = Checkout(till)
    joe = till.shop.customer("joe@example.com")

    answered = till.shop.call(
        "storefront/checkouts/add_checkout_coupon",
        checkout_id=checkout.id,
        body={"couponCode": "TENTH"},
        credential=joe,
    )

    assert answered.status == 404
