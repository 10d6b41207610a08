"""What slips, invoices and pick lists say of an order, whatever state it is in."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.documents import contents
from commerce.documents.model import (
    Pick,
    Sender,
    SlipLine,
    invoice_of,
    is_pickable,
    pick_list_of,
    require_invoiceable,
    require_packable,
    slip_of,
)
from commerce.inventory.model import Allocation
from commerce.kernel.document_policy import DocumentPolicy, Paper
from commerce.kernel.errors import Conflict, Invalid
from commerce.kernel.money import Money, total
from commerce.orders.model import (
    Address,
    AppliedDiscount,
    Buyer,
    DiscountKind,
    FulfillmentStatus,
    Order,
    OrderLine,
    PaymentStatus,
    SoldGiftCard,
    Status,
    Tender,
    TenderKind,
)

AT = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
DAY = date(2026, 11, 20)
SENDER = Sender("Shop", (), None, Paper.A4, None)
NOTHING = Money.zero("USD")


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def line(number: int, quantity: int, *allocations: Allocation, sku: str = "") -> OrderLine:
    return OrderLine(
        line_id=f"li_{number}",
        product_id=f"prod_{number}",
        variant_id=f"var_{number}",
        sku=sku or f"SKU-{number}",
        name=f"Item {number}",
        quantity=quantity,
        unit_price=usd(1000),
        discount=NOTHING,
        tax=NOTHING,
        allocations=allocations,
    )


ORDER = Order(
    order_id="order_1",
    buyer=Buyer("cust_1", "jane@example.com", "Jane Doe"),
    lines=(line(1, 5, Allocation("wh_1", 3, shipped=1)), line(2, 2, Allocation("wh_2", 2))),
    currency="USD",
    status=Status.PROCESSING,
    payment_status=PaymentStatus.PAID,
    fulfillment_status=FulfillmentStatus.PARTIAL,
    shipping_address=Address("Jane Doe", "123 Main St", "Springfield", "US", state="IL", postal_code="62701"),
    billing_address=None,
    placed_at=AT,
    updated_at=AT,
    expires_at=None,
    discount=NOTHING,
    shipping=usd(500),
    tax=NOTHING,
    refunded=NOTHING,
    refunding=NOTHING,
    compensated=NOTHING,
    disputed=NOTHING,
    shipping_refunded=NOTHING,
)


def test_a_slip_tells_what_is_in_the_parcel_what_was_sent_before_and_what_follows() -> None:
    slip = slip_of(ORDER, SENDER, DAY)

    assert slip.lines == (SlipLine("SKU-1", "Item 1", 5, 2, 1, 2), SlipLine("SKU-2", "Item 2", 2, 2, 0, 0))
    assert slip.units == 4
    assert slip.is_partial


def test_once_all_that_there_is_has_left_the_slip_is_of_that() -> None:
    gone = replace(ORDER, lines=(line(1, 5, Allocation("wh_1", 3, shipped=3)),))

    slip = slip_of(gone, SENDER, DAY)

    assert slip.lines == (SlipLine("SKU-1", "Item 1", 5, 3, 0, 2),)


def test_an_address_is_printed_as_lines_without_those_it_does_not_have() -> None:
    assert slip_of(ORDER, SENDER, DAY).ship_to == ("Jane Doe", "123 Main St", "62701 Springfield IL", "US")


def test_an_invoice_goes_to_the_billing_address_where_there_is_one() -> None:
    billed = replace(ORDER, billing_address=Address("Acme", "2 Side St", "Peoria", "US"))

    assert invoice_of(billed, SENDER, "INV-000001", DAY, DAY).bill_to == ("Acme", "2 Side St", "Peoria", "US")
    assert invoice_of(ORDER, SENDER, "INV-000001", DAY, DAY).bill_to == slip_of(ORDER, SENDER, DAY).ship_to


def test_an_invoice_names_discounts_gift_cards_that_are_bought_and_all_that_pays() -> None:
    order = replace(
        ORDER,
        lines=(replace(line(1, 2, Allocation("wh_1", 2)), discount=usd(300)),),
        discount=usd(300),
        discounts=(
            AppliedDiscount(DiscountKind.COUPON, "cpn_1", "Summer", usd(200), NOTHING, code="SUMMER10"),
            AppliedDiscount(DiscountKind.AUTOMATIC, "disc_1", "Buy 2", usd(100), NOTHING),
            AppliedDiscount(DiscountKind.COUPON, "cpn_2", "Free shipping", NOTHING, usd(900), code="SHIPFREE"),
        ),
        gift_cards=(SoldGiftCard("li_2", usd(2500), "sam@example.com"),),
        tenders=(
            Tender(TenderKind.GIFT_CARD, "red_1", "GC-ABCD-EFGH-1234", usd(1000), NOTHING),
            Tender(TenderKind.STORE_CREDIT, "lot_1", "cust_1", usd(700), usd(700)),
        ),
    )

    invoice = invoice_of(order, SENDER, "INV-000001", DAY, DAY)

    assert [(each.name, each.amount) for each in invoice.lines] == [("Item 1", usd(1700)), ("Gift card", usd(2500))]
    assert invoice.sums == (
        ("Subtotal", usd(4500), False),
        ("Discount (SUMMER10, Buy 2)", usd(-300), False),
        ("Shipping (SHIPFREE)", usd(500), False),
        ("Tax", NOTHING, False),
        ("Total", usd(4700), True),
        ("Paid by Gift card …1234", usd(1000), False),
        ("Paid by Store credit", usd(700), False),
        ("Paid by Card", usd(3000), False),
        ("Amount due", NOTHING, True),
    )


def test_what_was_not_collected_is_told_apart_from_what_a_coupon_took_off() -> None:
    coupon = AppliedDiscount(DiscountKind.COUPON, "cpn_1", "Summer", usd(200), NOTHING, code="SUMMER10")
    sold = replace(ORDER, lines=(replace(ORDER.lines[0], discount=usd(200)),), discount=usd(200), discounts=(coupon,))

    labels = [label for label, _, _ in invoice_of(sold.reduce(usd(50)), SENDER, "INV-000001", DAY, DAY).sums]

    assert labels[1] == "Discount (SUMMER10, not charged)"
    assert invoice_of(sold, SENDER, "INV-000001", DAY, DAY).sums[1][0] == "Discount (SUMMER10)"


def test_an_order_that_stored_value_pays_names_no_other_payment() -> None:
    paid = replace(ORDER, tenders=(Tender(TenderKind.STORE_CREDIT, "lot_1", "cust_1", ORDER.total, NOTHING),))

    assert [each.name for each in invoice_of(paid, SENDER, "INV-000001", DAY, DAY).payments] == ["Store credit"]


amounts = st.integers(0, 10**6)


@given(st.lists(st.tuples(st.integers(1, 50), amounts, amounts), min_size=1, max_size=20), amounts, amounts)
def test_the_lines_of_an_invoice_with_its_shipping_are_its_total(
    sold: list[tuple[int, int, int]], shipping: int, tendered: int
) -> None:
    lines = tuple(
        replace(line(number, quantity), unit_price=usd(price), discount=usd(min(discount, price * quantity)))
        for number, (quantity, price, discount) in enumerate(sold)
    )
    order = replace(
        ORDER, lines=lines, shipping=usd(shipping), discount=total([each.discount for each in lines], "USD")
    )
    tender = Tender(TenderKind.STORE_CREDIT, "lot_1", "cust_1", min(usd(tendered), order.total), NOTHING)

    invoice = invoice_of(replace(order, tenders=(tender,)), SENDER, "INV-000001", DAY, DAY)

    assert total([each.amount for each in invoice.lines], "USD") + invoice.shipping == invoice.total
    assert invoice.sums[-1] == ("Amount due", NOTHING, True)


@pytest.mark.parametrize("status", [each for each in PaymentStatus if each.value in ("paid", "refunded")])
def test_a_paid_order_gets_an_invoice_also_when_it_was_refunded_since(status: PaymentStatus) -> None:
    require_invoiceable(replace(ORDER, payment_status=status))


@pytest.mark.parametrize("status", [PaymentStatus.PENDING, PaymentStatus.AUTHORIZED, PaymentStatus.FAILED])
def test_an_order_that_is_not_paid_gets_none(status: PaymentStatus) -> None:
    with pytest.raises(Conflict):
        require_invoiceable(replace(ORDER, payment_status=status))


def test_a_cancelled_order_gets_neither_invoice_nor_slip_and_is_not_picked() -> None:
    cancelled = replace(ORDER, status=Status.CANCELLED)

    for refuses in (require_invoiceable, require_packable):
        with pytest.raises(Conflict):
            refuses(cancelled)
    assert not is_pickable(cancelled)


def test_only_paid_orders_with_something_set_aside_are_picked() -> None:
    waiting = replace(ORDER, lines=(line(1, 5),))

    assert is_pickable(ORDER)
    assert not is_pickable(waiting)
    assert not is_pickable(replace(ORDER, payment_status=PaymentStatus.PENDING))


def test_an_order_all_of_whose_money_is_on_its_way_back_is_not_picked() -> None:
    assert not is_pickable(replace(ORDER, refunding=ORDER.total))
    assert is_pickable(replace(ORDER, refunding=ORDER.total - usd(1)))


def test_a_pick_list_sums_units_by_warehouse_and_sku_and_says_for_which_order() -> None:
    other = replace(
        ORDER,
        order_id="order_2",
        lines=(
            line(1, 4, Allocation("wh_1", 3), Allocation("wh_2", 1)),
            line(3, 1, Allocation("wh_1", 1), sku="A-FIRST"),
            line(9, 2, Allocation("wh_1", 2), sku="SKU-1"),
        ),
    )

    listed = pick_list_of([ORDER, other], SENDER)

    assert [(place.warehouse_id, place.units) for place in listed.places] == [("wh_1", 8), ("wh_2", 3)]
    first = listed.places[0]
    assert [(row.sku, row.units) for row in first.rows] == [("A-FIRST", 1), ("SKU-1", 7)]
    assert first.rows[1].picks == (Pick(1, 2), Pick(2, 5))
    assert [(each.order_id, each.units) for each in listed.orders] == [("order_1", 4), ("order_2", 7)]
    assert listed.units == 11


def test_what_a_document_says_survives_being_written_down() -> None:
    documents = (
        slip_of(ORDER, SENDER, DAY),
        invoice_of(ORDER, SENDER, "INV-000001", DAY, DAY),
        pick_list_of([ORDER], SENDER),
    )

    assert contents.read(contents.write(documents)) == documents


@pytest.mark.parametrize(("country", "paper"), [("US", Paper.LETTER), ("CA", Paper.LETTER), ("DE", Paper.A4)])
def test_a_shop_prints_on_the_paper_of_its_country_unless_it_says_another(country: str, paper: Paper) -> None:
    assert Sender.of("Shop", country, DocumentPolicy()).paper is paper
    assert Sender.of("Shop", country, DocumentPolicy(paper=Paper.A4)).paper is Paper.A4


@pytest.mark.parametrize(
    "policy",
    [
        DocumentPolicy(address=("x",) * 9),
        DocumentPolicy(address=("",)),
        DocumentPolicy(address=("two\nlines",)),
        DocumentPolicy(footer=" "),
        DocumentPolicy(footer="x" * 301),
    ],
)
def test_a_letterhead_that_could_not_be_printed_is_refused(policy: DocumentPolicy) -> None:
    with pytest.raises(Invalid):
        policy.require_valid()
