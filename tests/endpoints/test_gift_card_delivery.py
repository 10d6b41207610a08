"""Gift cards by mail: from the card's transaction over bus and queue to SES, once, and with no secret on the way."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from io import StringIO
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from botocore.awsrequest import AWSResponse
from moto.core.botocore_stubber import MockRawResponse

from commerce.events import bus
from commerce.gift_cards import delivery, issuing, pins, serials, store
from commerce.gift_cards.delivery import DeliveryOutcome
from commerce.gift_cards.issuing import IssueCard
from commerce.gift_cards.model import DeliveryState, GiftCard
from commerce.kernel import aws, clock
from commerce.kernel.caller import Tenant
from commerce.kernel.money import Money
from commerce.mails import rendering, ses, use_cases
from commerce.observability import logger
from commerce.table.transaction import run
from tests.contract.shops import Shop
from tests.shop import MERCHANT, OTHER_TENANT, TENANT, Call, handler
from tests.template import template

SHOP_ADDRESS = "no-reply@example.com"
RECIPIENT = "zq9canary7x@example.com"  # stands in one mail, and must stand in no log and no message


@dataclass
class Mailbox:
    """SES as moto plays it: what it was asked, and answers that a test puts in place of its own."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[str, str] | None] = field(default_factory=list)  # code and message; None: moto's own

    def note(self, params: dict[str, Any], **_: Any) -> None:
        self.asked.append(params)

    def answer(self, request: Any, **_: Any) -> AWSResponse | None:
        said = self.answers.pop(0) if self.answers else None
        if said is None:
            return None
        code, message = said
        body = MockRawResponse(json.dumps({"message": message}).encode())
        return AWSResponse(request.url, 400, {"x-amzn-errortype": code, "content-type": "application/json"}, body)

    @property
    def texts(self) -> list[str]:
        return [str(each["Content"]["Simple"]["Body"]["Text"]["Data"]) for each in self.asked]

    @property
    def recipients(self) -> list[list[str]]:
        return [each["Destination"]["ToAddresses"] for each in self.asked]


@pytest.fixture
def mailbox(call: Call, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A shop that may send mails."""
    monkeypatch.setenv("MAIL_FROM", SHOP_ADDRESS)
    monkeypatch.setenv("STOREFRONT_URL", "https://shop.example.com/redeem")
    Shop(call).open()
    aws.client.cache_clear()
    client, box = aws.client("sesv2"), Mailbox()
    client.create_email_identity(EmailIdentity=SHOP_ADDRESS)
    client.meta.events.register("provide-client-params.sesv2.SendEmail", box.note)
    client.meta.events.register("before-send.sesv2.SendEmail", box.answer)
    yield box
    client.delete_email_identity(EmailIdentity=SHOP_ADDRESS)
    aws.client.cache_clear()


def issue(recipient: str = RECIPIENT, **changes: Any) -> tuple[GiftCard, str]:
    """A card that is to be mailed, and its PIN."""
    command = IssueCard(Money(7500, "USD"), recipient_email=recipient, deliver=True, **changes)
    issued = run(lambda tx: issuing.issue(tx, MERCHANT, command))
    return issued.card, issued.pin


def reissue(card: GiftCard) -> GiftCard:
    """Give the card its next PIN, to be mailed; as a resend does."""
    generation = card.pin_generation + 1
    pin = pins.derive(TENANT, card.serial, generation)
    changed = replace(
        card.changed(clock.now()),
        pin_generation=generation,
        pin_hash=pins.hash_of(TENANT, card.serial, pin),
        delivery=DeliveryState.REQUESTED,
        sequence=card.sequence + 1,
    )

    def plan(tx: Any) -> None:
        store.save(tx, TENANT, changed)
        issuing.request_delivery(tx, TENANT, changed)

    run(plan)
    return changed


def message(card: GiftCard, *, tenant: Tenant = TENANT) -> dict[str, Any]:
    """The queue's message for the card's present PIN."""
    told = {
        "tenant": tenant.tenant_id,
        "mode": str(tenant.mode),
        "data": {"object": {"serial": card.serial, "generation": card.pin_generation}},
    }
    body = {"source": "till", "detail-type": issuing.DELIVERY_REQUESTED, "detail": told}
    return {"messageId": f"message-{card.serial}-{card.pin_generation}", "body": json.dumps(body)}


def deliver(*messages: dict[str, Any]) -> list[str]:
    """Hand messages to the function; give the ids of those that come back."""
    answer = handler("queues/deliver_gift_card").handler({"Records": list(messages)}, None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def state_of(card: GiftCard) -> DeliveryState | None:
    found = store.find(TENANT, card.serial)
    assert found is not None
    return found.delivery


# What arrives


def test_a_card_that_was_issued_for_somebody_is_mailed_to_them(mailbox: Mailbox) -> None:
    card, pin = issue(message="Enjoy!", sender="Alex", design="birthday")

    assert deliver(message(card)) == []

    [text], [request] = mailbox.texts, mailbox.asked
    for part in (serials.printed(card.serial), pin, "75.00 USD", "Enjoy!", "From Alex", "Happy birthday!", "Shop"):
        assert part in text, part
    assert f"https://shop.example.com/redeem#gift-card={serials.printed(card.serial)}" in text
    assert mailbox.recipients == [[RECIPIENT]]
    assert request["FromEmailAddress"] == f"Shop <{SHOP_ADDRESS}>"
    assert state_of(card) is DeliveryState.DELIVERED


def test_the_same_message_again_mails_nothing(mailbox: Mailbox) -> None:
    card, _ = issue()

    assert [deliver(message(card)) for _ in range(3)] == [[], [], []]

    assert len(mailbox.asked) == 1


def test_a_new_pin_takes_the_place_of_the_one_that_was_not_mailed_yet(mailbox: Mailbox) -> None:
    card, first_pin = issue()
    renewed = reissue(card)

    assert deliver(message(card), message(renewed)) == []

    [text] = mailbox.texts
    assert pins.derive(TENANT, card.serial, 2) in text
    assert first_pin not in text


def test_a_card_of_another_shop_is_not_found(mailbox: Mailbox) -> None:
    card, _ = issue()

    assert deliver(message(card, tenant=OTHER_TENANT)) == []

    assert mailbox.asked == []
    assert state_of(card) is DeliveryState.REQUESTED


# What goes wrong


def test_who_dies_between_mail_and_record_mails_the_very_same_again(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: Any) -> None:
        raise Killed

    card, pin = issue()
    with monkeypatch.context() as patched:
        patched.setattr(use_cases, "sent", die)
        with pytest.raises(Killed):
            deliver(message(card))

    assert deliver(message(card)) == []

    assert mailbox.asked[0] == mailbox.asked[1]
    assert pin in mailbox.texts[1]
    assert state_of(card) is DeliveryState.DELIVERED


@pytest.mark.parametrize(
    "said",
    [
        ("BadRequestException", f"Local address of {RECIPIENT} contains control or whitespace"),
        ("MessageRejected", f"Email address is not verified: {RECIPIENT}"),
    ],
)
def test_a_recipient_whom_ses_refuses_is_an_outcome_and_not_retried(mailbox: Mailbox, said: tuple[str, str]) -> None:
    card, _ = issue()
    mailbox.answers = [said]

    assert deliver(message(card)) == []
    assert deliver(message(card)) == []

    assert len(mailbox.asked) == 1
    assert state_of(card) is DeliveryState.REFUSED


def test_a_recipient_that_is_no_address_is_refused_without_asking_ses(mailbox: Mailbox) -> None:
    card, _ = issue("jane@example.com\r\nBcc: eve@example.com")

    assert deliver(message(card)) == []

    assert mailbox.asked == []
    assert state_of(card) is DeliveryState.REFUSED


def test_a_shop_whose_own_address_is_not_verified_waits_for_that(mailbox: Mailbox) -> None:
    card, _ = issue()
    aws.client("sesv2").delete_email_identity(EmailIdentity=SHOP_ADDRESS)

    assert deliver(message(card)) == [message(card)["messageId"]]
    assert state_of(card) is DeliveryState.REQUESTED

    aws.client("sesv2").create_email_identity(EmailIdentity=SHOP_ADDRESS)
    assert deliver(message(card)) == []
    assert state_of(card) is DeliveryState.DELIVERED


def test_when_ses_has_enough_the_rest_of_the_batch_waits_without_another_try(mailbox: Mailbox) -> None:
    cards = [issue(f"reader{n}@example.com")[0] for n in range(4)]
    messages = [message(card) for card in cards]
    throttled = ("TooManyRequestsException", "Maximum sending rate exceeded.")
    mailbox.answers = [None, throttled]

    failed = deliver(*messages)

    assert failed == [each["messageId"] for each in messages[1:]]
    assert mailbox.recipients == [["reader0@example.com"], ["reader1@example.com"]]
    assert deliver(*messages) == []
    assert {state_of(card) for card in cards} == {DeliveryState.DELIVERED}
    assert mailbox.recipients[2:] == [[f"reader{n}@example.com"] for n in (1, 2, 3)]


def test_one_message_that_cannot_be_read_comes_back_alone(mailbox: Mailbox) -> None:
    cards = [issue(f"reader{n}@example.com")[0] for n in range(9)]
    poison = {"messageId": "poison", "body": '{"detail": {}}'}
    messages = [message(card) for card in cards]

    assert deliver(*messages[:4], poison, *messages[4:]) == ["poison"]

    assert len(mailbox.asked) == 9
    assert {state_of(card) for card in cards} == {DeliveryState.DELIVERED}


def test_an_outcome_is_recorded_once(mailbox: Mailbox) -> None:
    card, _ = issue()
    deliver(message(card))

    delivery.sent(TENANT, card.serial, 1, DeliveryOutcome.REFUSED)

    assert state_of(card) is DeliveryState.DELIVERED


# Secrets on the way


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Everything that any library logs, unredacted, exceptions and their causes included."""
    text = StringIO()
    stream = logging.StreamHandler(text)
    stream.setFormatter(LambdaPowertoolsFormatter())
    root, own = logging.getLogger(), logger._logger
    before = root.level, own.level
    monkeypatch.setattr(own, "propagate", True)
    root.addHandler(stream)
    root.setLevel(logging.INFO)
    own.setLevel(logging.DEBUG)
    yield text.getvalue
    root.removeHandler(stream)
    root.setLevel(before[0])
    own.setLevel(before[1])


def outcome_of_success(mailbox: Mailbox, _: pytest.MonkeyPatch) -> None:
    mailbox.answers = []


def outcome_of_refusal(mailbox: Mailbox, _: pytest.MonkeyPatch) -> None:
    mailbox.answers = [("MessageRejected", f"Email address is not verified: {RECIPIENT}")]


def outcome_of_throttling(mailbox: Mailbox, _: pytest.MonkeyPatch) -> None:
    mailbox.answers = [("TooManyRequestsException", f"Too many mails to {RECIPIENT}")]


def outcome_of_an_error_in_the_template(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def incomplete(name: str, **values: Any) -> str:
        return rendering.render(name, pin=values["pin"])

    monkeypatch.setattr("commerce.mails.gift_card.render", incomplete)


def outcome_of_a_broken_client(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def send_email(**request: Any) -> None:
        raise OSError("broken pipe")

    monkeypatch.setattr(ses, "client", lambda _: type("Client", (), {"send_email": staticmethod(send_email)}))


@pytest.mark.parametrize(
    ("happens", "comes_back", "said"),
    [
        (outcome_of_success, False, "gift cards delivered"),
        (outcome_of_refusal, False, "mail not taken"),
        (outcome_of_throttling, True, "mail not taken"),
        (outcome_of_an_error_in_the_template, True, "UndefinedError"),
        (outcome_of_a_broken_client, True, "broken pipe"),
    ],
    ids=["success", "refusal", "throttling", "template", "exception"],
)
def test_neither_pin_nor_address_is_in_a_log_a_message_or_a_dead_letter(
    mailbox: Mailbox,
    logged: Callable[[], str],
    table: Any,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    happens: Callable[[Mailbox, pytest.MonkeyPatch], None],
    comes_back: bool,
    said: str,
) -> None:
    with queue_behind_the_bus(monkeypatch) as queue:
        card, pin = issue(message="For Jane", sender="Alex")
        queue.publish(table)
        happens(mailbox, monkeypatch)

        received, failed = queue.consume()
        dead = queue.dead_letters()

    assert bool(failed) is bool(dead) is comes_back
    [body] = received
    assert card.serial in body  # what travels is the card's name, so the canaries were looked for in the right place
    assert said in logged()
    for text in (logged(), *capfd.readouterr(), *received, *dead):
        assert not holds(text, pin)
        assert "zq9canary7x" not in text
        assert "For Jane" not in text
    assert not holds(str(table.scan()["Items"]), pin)


def holds(text: str, pin: str) -> bool:
    """Whether the PIN stands in a text by itself; six digits may well be part of an id."""
    return re.search(rf"(?<!\w){pin}(?!\w)", text) is not None


@dataclass
class Queue:
    """The template's rule, queue and dead letters on moto, with a consumer that gives up at once."""

    sqs: Any
    url: str
    dead_url: str

    def publish(self, table: Any) -> None:
        """Carry the outbox to the bus, as the table's stream does."""
        client = boto3.client("dynamodb")
        rows = client.scan(TableName=table.name)["Items"]
        records = [
            {"eventName": "INSERT", "dynamodb": {"Keys": {"pk": row["pk"]}, "SequenceNumber": str(n), "NewImage": row}}
            for n, row in enumerate(rows)
        ]
        assert bus.publish(records) == []

    def consume(self) -> tuple[list[str], list[str]]:
        """Bodies of what was received, and ids of what came back, which goes to the dead letters."""
        received = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)["Messages"]
        failed = deliver(*({"messageId": each["MessageId"], "body": each["Body"]} for each in received))
        for each in received:
            if each["MessageId"] not in failed:
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=each["ReceiptHandle"])
        return [each["Body"] for each in received], failed

    def dead_letters(self) -> list[str]:
        self.sqs.receive_message(QueueUrl=self.url)  # the second receipt is one too many
        found = self.sqs.receive_message(QueueUrl=self.dead_url).get("Messages", [])
        return [json.dumps(each) for each in found]


class queue_behind_the_bus:  # noqa: N801  a context manager
    """Bus, rule and queues, for the length of a block."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EVENT_BUS_NAME", "till")
        self.events, self.sqs = boto3.client("events"), boto3.client("sqs")

    def __enter__(self) -> Queue:
        self.events.create_event_bus(Name="till")
        dead_url = self.sqs.create_queue(QueueName="dead")["QueueUrl"]
        redrive = {"deadLetterTargetArn": self.arn(dead_url), "maxReceiveCount": 1}
        attributes = {"RedrivePolicy": json.dumps(redrive), "VisibilityTimeout": "0"}
        self.url = self.sqs.create_queue(QueueName="mails", Attributes=attributes)["QueueUrl"]
        pattern = template()["Resources"]["GiftCardMailRule"]["Properties"]["EventPattern"]
        self.events.put_rule(Name="mails", EventBusName="till", EventPattern=json.dumps(pattern))
        target = {"Id": "queue", "Arn": self.arn(self.url)}
        self.events.put_targets(Rule="mails", EventBusName="till", Targets=[target])
        self.queue = Queue(self.sqs, self.url, dead_url)
        return self.queue

    def __exit__(self, *_: Any) -> None:
        self.events.remove_targets(Rule="mails", EventBusName="till", Ids=["queue"])
        self.events.delete_rule(Name="mails", EventBusName="till")
        self.events.delete_event_bus(Name="till")
        for url in (self.queue.url, self.queue.dead_url):
            self.sqs.delete_queue(QueueUrl=url)

    def arn(self, url: str) -> str:
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(found["Attributes"]["QueueArn"])
