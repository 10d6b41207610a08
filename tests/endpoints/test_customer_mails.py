"""PM-21: customers are mailed about their orders, each notice once, however often it is asked for and delivered."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from moto.core.botocore_stubber import MockRawResponse

from commerce.kernel import aws, clock
from commerce.mails import customer_mails, ses
from commerce.mails.customer_letters import LETTERS
from commerce.mails.notices import NOTICE, NoticeKind
from commerce.mails.rendering import render
from commerce.table import keys
from tests.contract.shops import Shop
from tests.invariants import check
from tests.payments import Stripe
from tests.shop import Call, Credential, handler
from tests.template import template

SHOP_ADDRESS = "no-reply@example.com"
MARKUP = "<script>alert(1)</script>"
RIGHT_TO_LEFT = "חולצת כותנה"


@dataclass
class Mailbox:
    """SES as moto plays it: what it was asked, and answers that a test puts in place of its own."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[int, str] | Exception] = field(default_factory=list)  # status and code, or no answer at all

    def note(self, params: dict[str, Any], **_: Any) -> None:
        self.asked.append(params)

    def answer(self, request: Any, **_: Any) -> AWSResponse | None:
        said = self.answers.pop(0) if self.answers else None
        if said is None:
            return None
        if isinstance(said, Exception):
            raise said
        status, code = said
        body = MockRawResponse(json.dumps({"message": "no"}).encode())
        return AWSResponse(request.url, status, {"x-amzn-errortype": code, "content-type": "application/json"}, body)

    @property
    def subjects(self) -> list[str]:
        return [str(each["Content"]["Simple"]["Subject"]["Data"]) for each in self.asked]

    def body(self, form: str) -> str:
        [asked] = self.asked
        return str(asked["Content"]["Simple"]["Body"][form]["Data"])


@dataclass
class World:
    shop: Shop
    stripe: Stripe
    table: Any
    jane: Credential
    mailbox: Mailbox

    def sell(self, name: str = "Cup", units: int = 2) -> str:
        product = self.shop.product(f"SKU-{len(self.rows('order'))}", 10, name=name, stock=10)
        order_id = self.shop.order(self.jane, (product["id"], units))
        self.stripe.pay(self.shop.start_payment(order_id, 1000 * units))
        self.shop.settle(self.stripe)
        return order_id

    def ship(self, order_id: str, **more: Any) -> None:
        body = {"order_id": order_id, "tracking_number": "1Z999", "carrier": "UPS", "notify_customer": True}
        self.shop.do("admin/fulfillment/ship_order", body=body | more)

    def rows(self, kind: str) -> list[Any]:
        return [row for row in self.table.scan()["Items"] if row["kind"] == kind]

    def messages(self) -> list[dict[str, Any]]:
        """The queue's messages for all notices that were ever announced."""
        return [_message(row) for row in self.rows("outbox") if row["type"] == NOTICE]

    def deliver(self, messages: list[dict[str, Any]] | None = None) -> list[str]:
        """Hand messages to the function; give the ids of those that come back."""
        records = self.messages() if messages is None else messages
        answer = handler("queues/mail_customer").handler({"Records": records}, None)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    @property
    def states(self) -> list[str]:
        return [row["state"] for row in self.rows("customer_mail")]


def _message(row: dict[str, Any]) -> dict[str, Any]:
    tenant = keys.tenant_of(row["pk"])
    told = {"tenant": tenant.tenant_id, "mode": str(tenant.mode), "data": {"object": json.loads(row["data"])}}
    return {"messageId": row["event_id"], "body": json.dumps({"detail-type": NOTICE, "detail": told})}


@pytest.fixture
def world(call: Call, table: Any, stripe: Stripe, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("MAIL_FROM", SHOP_ADDRESS)
    shop = Shop(call).open()
    aws.client.cache_clear()
    client, box = aws.client("sesv2"), Mailbox()
    client.create_email_identity(EmailIdentity=SHOP_ADDRESS)
    client.meta.events.register("provide-client-params.sesv2.SendEmail", box.note)
    client.meta.events.register("before-send.sesv2.SendEmail", box.answer)
    yield World(shop, stripe, table, shop.customer(), box)
    check(table.scan()["Items"])
    client.delete_email_identity(EmailIdentity=SHOP_ADDRESS)
    aws.client.cache_clear()


# What is told


def test_a_shipment_is_mailed_with_its_items_and_where_to_follow_it(world: World) -> None:
    order_id = world.sell("Merino Jersey", 2)
    world.ship(order_id, estimated_delivery="2026-03-25")

    assert world.deliver() == []

    [asked] = world.mailbox.asked
    assert asked["Destination"]["ToAddresses"] == ["jane@example.com"]
    assert asked["FromEmailAddress"] == f"Shop <{SHOP_ADDRESS}>"
    assert world.mailbox.subjects == [f"Your order is on its way: {order_id}"]
    for form in ("Html", "Text"):
        text = world.mailbox.body(form)
        for part in ("Merino Jersey", "UPS", "1Z999", "25 March 2026", "www.ups.com/track?tracknum=1Z999", order_id):
            assert part in text, part
        assert "follows separately" not in text
    assert world.states == ["sent"]


def test_each_part_of_an_order_is_mailed_and_says_that_more_follows(world: World) -> None:
    order_id = world.sell(units=3)
    [line] = world.shop.do("admin/orders/get_order", order_id=order_id)["items"]
    world.ship(order_id, items=[{"order_item_id": line["id"], "quantity": 1}])
    world.deliver()
    world.ship(order_id, tracking_number="1Z000", carrier="Pigeon Post")
    world.deliver()

    first, second = (each["Content"]["Simple"]["Body"]["Text"]["Data"] for each in world.mailbox.asked)
    assert "1 x Cup" in first
    assert "The rest of your order follows separately." in first
    assert "2 x Cup" in second
    assert "follows separately" not in second
    assert "Pigeon Post" in second
    assert "http" not in second


@pytest.mark.parametrize(
    ("moves", "heading"),
    [
        (["processing"], "We are preparing your order"),
        (["shipped"], "Your order is on its way"),
        (["cancelled"], "Your order was cancelled"),
    ],
)
@pytest.mark.parametrize("path", ["admin/orders/set_order_status", "v2/orders/set_order_status"])
def test_a_move_is_mailed_if_the_merchant_says_so(world: World, moves: list[str], heading: str, path: str) -> None:
    told, untold = world.sell(), world.sell()

    for status in moves:
        for order_id, notify in ((told, True), (untold, False)):
            body = {"status": status, "notify_customer": notify}
            named: dict[str, Any] = {"order_id" if path.startswith("admin") else "id": order_id}
            world.shop.do(path, method="PUT", body=body, **named)
    world.deliver()

    assert world.mailbox.subjects == [f"{heading}: {told}"]


def test_an_order_from_its_preparation_to_its_arrival_is_four_states_and_three_mails(world: World) -> None:
    order_id = world.sell()
    for status in ("processing", "shipped", "delivered"):
        world.shop.move(order_id, status, notify_customer=True)

    assert world.deliver() == []

    assert sorted(world.mailbox.subjects) == sorted(
        f"{heading}: {order_id}"
        for heading in ("We are preparing your order", "Your order is on its way", "Your order was delivered")
    )


@pytest.mark.parametrize("name", [MARKUP, RIGHT_TO_LEFT, "{{ order_id }}"])
def test_what_a_product_is_called_is_text_in_the_mail(world: World, name: str) -> None:
    world.ship(world.sell(name), carrier=MARKUP, tracking_number=MARKUP)

    world.deliver()

    assert MARKUP not in world.mailbox.body("Html")
    assert world.mailbox.body("Html").count("&lt;script&gt;") >= 2
    assert name in world.mailbox.body("Text")


def test_every_kind_of_notice_has_its_letter_and_its_letter_two_templates() -> None:
    assert set(LETTERS) == set(NoticeKind)


@pytest.mark.parametrize(
    "kind", [NoticeKind.ORDER_PROCESSING, NoticeKind.ORDER_DELIVERED, NoticeKind.ORDER_CANCELLED], ids=str
)
def test_a_page_loads_nothing_from_anywhere(kind: NoticeKind) -> None:
    page = render(f"{kind}.html", heading=LETTERS[kind].heading, shop="Shop", order_id="order_1")

    assert not re.search(r"url\(|@import|<(img|link|script|iframe)\b", page)


# Once


def test_a_notice_is_mailed_once_however_often_it_is_delivered(world: World) -> None:
    order_id = world.sell()
    world.ship(order_id)
    world.ship(order_id)
    [message] = world.messages()

    assert world.deliver([message, message]) == []
    assert world.deliver() == []

    assert len(world.mailbox.asked) == 1


class Killed(BaseException):
    """The process died."""


@pytest.mark.parametrize("after", [True, False], ids=["after sending", "before sending"])
def test_who_dies_around_sending_is_followed_by_nobody_who_sends_again(
    world: World, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    world.ship(world.sell())
    send = ses.send

    def die(mail: Any) -> None:
        if after:
            send(mail)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(ses, "send", die)
        with pytest.raises(Killed):
            world.deliver()
    [message] = world.messages()
    assert world.deliver() == [message["messageId"]]  # too early to say

    later = clock.now() + timedelta(minutes=6)
    with clock.use(lambda: later):
        assert world.deliver() == []

    assert len(world.mailbox.asked) == after
    assert world.states == ["unknown"]


@pytest.mark.parametrize(
    "answer",
    [ReadTimeoutError(endpoint_url="ses"), (500, "InternalServerErrorException")],
    ids=["time-out", "error of SES"],
)
def test_a_mail_whose_answer_is_lost_is_not_sent_again(world: World, answer: Any) -> None:
    world.ship(world.sell())
    world.mailbox.answers = [answer]

    assert [world.deliver(), world.deliver()] == [[], []]

    assert len(world.mailbox.asked) == 1
    assert world.states == ["unknown"]


def test_a_mail_that_nobody_knows_of_rings_an_alarm(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    monkeypatch.setattr(customer_mails, "count_event", counted.append)
    world.ship(world.sell())
    world.mailbox.answers = [ReadTimeoutError(endpoint_url="ses")]

    world.deliver()

    [metric] = counted
    alarms = [each["Properties"] for each in template()["Resources"].values() if each["Type"].endswith("::Alarm")]
    assert metric in [each["MetricName"] for each in alarms if each["Namespace"] == "Till"]


@pytest.mark.parametrize(
    "answer",
    [ConnectTimeoutError(endpoint_url="ses"), (429, "TooManyRequestsException"), (400, "SendingPausedException")],
    ids=["no connection", "throttled", "paused"],
)
def test_a_mail_that_was_surely_not_sent_is_tried_again(world: World, answer: Any) -> None:
    world.ship(world.sell())
    [message] = world.messages()
    world.mailbox.answers = [answer]

    assert world.deliver() == [message["messageId"]]
    assert world.states == []
    assert world.deliver() == []

    assert world.states == ["sent"]


def test_when_ses_has_enough_the_rest_of_the_batch_waits(world: World) -> None:
    for _ in range(3):
        world.ship(world.sell())
    messages = world.messages()
    throttled = (429, "TooManyRequestsException")
    client = aws.client("sesv2")
    accepted = []

    def first_only(request: Any, **_: Any) -> AWSResponse | None:
        accepted.append(request)
        world.mailbox.answers = [throttled] if len(accepted) > 1 else []
        return None

    client.meta.events.register_first("before-send.sesv2.SendEmail", first_only)
    failed = world.deliver(messages)
    client.meta.events.unregister("before-send.sesv2.SendEmail", first_only)

    assert failed == [each["messageId"] for each in messages[1:]]
    assert len(world.mailbox.asked) == 2
    world.mailbox.answers = []
    assert world.deliver(messages) == []
    assert world.states == ["sent"] * 3


def test_a_recipient_whom_ses_refuses_is_an_outcome(world: World) -> None:
    world.ship(world.sell())
    world.mailbox.answers = [(400, "MessageRejected")]

    assert [world.deliver(), world.deliver()] == [[], []]

    assert len(world.mailbox.asked) == 1
    assert world.states == ["refused"]


def test_one_message_that_cannot_be_read_comes_back_alone(world: World) -> None:
    world.ship(world.sell())
    poison = {"messageId": "poison", "body": '{"detail": {}}'}

    assert world.deliver([poison, *world.messages()]) == ["poison"]

    assert world.states == ["sent"]


def test_a_notice_about_an_order_that_is_not_there_comes_back(world: World) -> None:
    world.ship(world.sell())
    [message] = world.messages()
    stray = message | {"body": message["body"].replace("ten_1", "ten_2")}

    assert world.deliver([stray]) == [message["messageId"]]

    assert world.mailbox.asked == []


def test_no_message_holds_an_address(world: World) -> None:
    world.ship(world.sell())

    [message] = world.messages()

    assert "@" not in message["body"]
    assert "Jane" not in message["body"]


def test_the_rule_hands_on_notices_and_the_queue_waits_longer_than_a_claim_holds() -> None:
    resources = template()["Resources"]

    assert resources["CustomerMailRule"]["Properties"]["EventPattern"]["detail-type"] == [NOTICE]
    patience = timedelta(seconds=resources["CustomerMailQueue"]["Properties"]["VisibilityTimeout"])
    allowed = timedelta(seconds=resources["QueuesMailCustomer"]["Properties"]["Timeout"])
    assert allowed < customer_mails.LEASE < patience
