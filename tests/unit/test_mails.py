"""Mails: what they say in each design, that nothing in them can add a header, and what SES is told."""

import email
import email.policy
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from email.header import decode_header, make_header
from email.utils import parseaddr
from html.parser import HTMLParser
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from jinja2 import UndefinedError

from commerce.events.catalogue import CATALOGUE
from commerce.gift_cards.delivery import Letter
from commerce.kernel.errors import Unavailable
from commerce.kernel.money import Money
from commerce.mails import return_label, ses
from commerce.mails.gift_card import DESIGNS, compose, design_of
from commerce.mails.model import MAX_NAME, MAX_SUBJECT, Mail, Refused
from commerce.mails.rendering import amount, render
from commerce.mails.return_label import LabelLetter
from tests.template import ROOT, template

LETTER = Letter(
    serial="GC-7Q2M-X0RT-5KD9-WBZ3",
    pin="048213",
    amount=Money(7500, "USD"),
    recipient="jane@example.com",
    message="Happy reading!\nSee you soon",
    design="classic",
    expires_on=date(2027, 4, 25),
    sender="Alex",
    shop="Harbor & Pine",
    generation=1,
)
MARKUP = '<script>alert("x")</script><img src=x onerror=alert(1)></td></table>{{ pin }}{% raw %}'


class Page(HTMLParser):
    """A page's visible text, its tags, and where its links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(autouse=True)
def _no_storefront(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STOREFRONT_URL", raising=False)


# What it says


@pytest.mark.parametrize("design", [*DESIGNS, None])
def test_the_mail_says_everything_that_spending_the_card_takes(design: str | None) -> None:
    mail = compose(replace(LETTER, design=design))

    for text in (Page(mail.html).text, mail.text):
        for part in (
            *("GC-7Q2M-X0RT-5KD9-WBZ3", "048213", "75.00 USD", "Harbor & Pine"),
            *("Alex", "Happy reading!", "See you soon", "25 April 2027", design_of(design).heading),
        ):
            assert part in text, part
    assert (mail.to, mail.sender_name) == ("jane@example.com", "Harbor & Pine")
    assert mail.subject == "Your 75.00 USD gift card from Harbor & Pine"


def test_what_was_not_given_is_not_spoken_of() -> None:
    mail = compose(replace(LETTER, message=None, sender=None, expires_on=None, design=None))

    for text in (Page(mail.html).text, mail.text):
        assert "From" not in text
        assert "None" not in text
        assert "The card does not expire." in text
        assert "valid until" not in text
    assert Page(mail.html).links == []


@pytest.mark.parametrize(
    ("money", "shown"),
    [
        (Money(7500, "USD"), "75.00 USD"),
        (Money(1234567890, "USD"), "12,345,678.90 USD"),
        (Money(5000, "JPY"), "5,000 JPY"),
        (Money(1500, "KWD"), "1.500 KWD"),
        (Money(5, "EUR"), "0.05 EUR"),
        (Money(10**15, "JPY"), "1,000,000,000,000,000 JPY"),
    ],
)
def test_an_amount_has_the_decimal_places_of_its_currency(money: Money, shown: str) -> None:
    assert amount(money) == shown
    assert shown in Page(compose(replace(LETTER, amount=money)).html).text


@pytest.mark.parametrize(
    ("asked", "used"),
    [
        ("birthday", "birthday"),
        ("holiday-2026", "holiday"),
        ("holiday-2026-red", "classic"),
        ("holiday-", "holiday"),
        ("corporate", "classic"),
        ("-", "classic"),
        ("", "classic"),
        (None, "classic"),
    ],
)
def test_a_variant_of_a_design_looks_like_it_and_an_unknown_one_is_classic(asked: str | None, used: str) -> None:
    assert design_of(asked) == DESIGNS[used]


def test_designs_can_be_told_apart_and_read() -> None:
    assert len({compose(replace(LETTER, design=name)).html for name in DESIGNS}) == len(DESIGNS) >= 3
    for design in DESIGNS.values():
        assert contrast("#ffffff", design.accent) >= 4.5  # WCAG 2.2, 1.4.3
        assert contrast("#57606a", design.backdrop) >= 4.5


def contrast(first: str, second: str) -> float:
    """Of two colours, as WCAG defines it."""

    def luminance(colour: str) -> float:
        channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_link_carries_the_serial_behind_the_hash_and_never_the_pin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREFRONT_URL", "https://shop.example.com/redeem?lang=en&a=b#old")

    mail = compose(LETTER)

    wanted = "https://shop.example.com/redeem?lang=en&a=b#gift-card=GC-7Q2M-X0RT-5KD9-WBZ3"
    assert Page(mail.html).links == [wanted]
    assert f"Use this gift card: {wanted}\n" in mail.text


@pytest.mark.parametrize("place", ["message", "sender", "shop"])
def test_markup_in_what_people_wrote_is_shown_and_not_obeyed(place: str) -> None:
    plain = Page(compose(LETTER).html)

    mail = compose(replace(LETTER, **{place: MARKUP}))  # type: ignore[arg-type]

    page = Page(mail.html)
    assert page.tags == plain.tags
    assert page.links == []
    assert MARKUP in page.text
    assert MARKUP in mail.text


def test_a_page_loads_nothing_from_anywhere() -> None:
    assert not re.search(r"url\(|@import|<(img|link|script|iframe)\b", compose(LETTER).html)


@pytest.mark.parametrize("missing", ["shop", "pin", "expires_on"])
def test_a_value_that_a_template_lacks_is_an_error_and_no_blank(missing: str) -> None:
    values = {field.name: getattr(LETTER, field.name) for field in fields(LETTER)}
    values |= {"heading": "A gift card", "link": None, "design": design_of(None)}
    del values[missing]

    for template_name in ("gift_card.txt", "gift_card.html"):
        with pytest.raises(UndefinedError):
            render(template_name, **values)


# Headers


@pytest.mark.parametrize(
    "address",
    [
        "",
        "jane",
        "jane@",
        "jane@localhost",
        "jane@example.com,eve@example.com",
        "jane@example.com\r\nBcc: eve@example.com",
        "jane@example.com\n",
        "Jane <jane@example.com>",
        '"jane doe"@example.com',
        "jane@exa mple.com",
        "jane@example..com",
        "jane@-example.com",
        ".jane@example.com",
        "jané@example.com",
        "jane@" + "a" * 250 + ".com",
        "j" * 65 + "@example.com",
    ],
)
def test_what_is_not_exactly_one_address_is_refused(address: str) -> None:
    with pytest.raises(Refused):
        compose(replace(LETTER, recipient=address))
    with pytest.raises(Refused):
        Mail(to="jane@example.com", subject="s", html="h", text="t", reply_to=address)


BREAKS = ["\r\n", "\n", "\r", "\x00", "\x0b", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("line_break", BREAKS, ids=[f"U+{ord(each[0]):04X}x{len(each)}" for each in BREAKS])
def test_no_name_can_add_a_header(line_break: str) -> None:
    asked: list[dict[str, Any]] = []
    mail = compose(replace(LETTER, shop=f"Shop{line_break}Bcc: eve@example.com{line_break}{line_break}body"))

    send_to(asked.append, mail)

    [request] = asked
    for text in (request["FromEmailAddress"], request["Content"]["Simple"]["Subject"]["Data"]):
        assert len(text.splitlines()) == 1
        headers = email.message_from_string(f"X: {text}\n\n", policy=email.policy.default)
        assert headers.keys() == ["X"]
    assert request["Destination"] == {"ToAddresses": ["jane@example.com"]}


def test_marks_that_turn_the_direction_of_a_line_are_left_out_and_emoji_stay_whole() -> None:
    mail = Mail(to="jane@example.com", subject="a\u202eb 👨‍👩‍👧 שלום", html="", text="", sender_name="\u2066")

    assert mail.subject == "a b 👨‍👩‍👧 שלום"
    assert mail.sender_name is None


def test_long_names_are_cut() -> None:
    mail = Mail(to="jane@example.com", subject="x" * 1000, html="", text="", sender_name="y" * 1000)

    assert mail.subject == "x" * (MAX_SUBJECT - 1) + "…"
    assert mail.sender_name == "y" * (MAX_NAME - 1) + "…"


def test_a_mail_and_a_letter_show_neither_pin_nor_recipient_where_they_are_printed() -> None:
    for shown in (repr(compose(LETTER)), repr(LETTER)):
        assert "048213" not in shown
        assert "jane@example.com" not in shown


# What SES is told, and what it says


def send_to(service: Callable[[dict[str, Any]], Any], mail: Mail) -> None:
    """Send with ``service`` in the place of SES."""

    class Client:
        def send_email(self, **request: Any) -> None:
            service(request)

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MAIL_FROM", "no-reply@example.com")
        patched.setattr(ses, "client", lambda name: {"sesv2": Client()}[name])
        ses.send(mail)


@pytest.mark.parametrize(
    "name",
    ["Harbor & Pine", 'Harbor, "Pine" <x@y.example>; Co', "Wäscherei", "متجر الهدايا 🎁", "🎁" * MAX_NAME, None],
    ids=["plain", "special characters", "umlaut", "right to left", "long", "none"],
)
def test_the_sender_is_the_stacks_address_under_the_shops_name(name: str | None) -> None:
    asked: list[dict[str, Any]] = []

    send_to(asked.append, Mail(to="jane@example.com", subject="s", html="h", text="t", sender_name=name))

    sender = asked[0]["FromEmailAddress"]
    shown, address = parseaddr(sender)
    assert sender.isascii()
    assert len(sender) <= 320
    assert address == "no-reply@example.com"
    assert str(make_header(decode_header(shown))) == (name or "")


def test_page_text_and_address_for_answers_are_handed_over() -> None:
    asked: list[dict[str, Any]] = []

    send_to(asked.append, Mail("jane@example.com", "Hi ✓", "<p>h</p>", "t", reply_to="shop@example.com"))

    assert asked == [
        {
            "FromEmailAddress": "no-reply@example.com",
            "Destination": {"ToAddresses": ["jane@example.com"]},
            "ReplyToAddresses": ["shop@example.com"],
            "Content": {
                "Simple": {
                    "Subject": {"Data": "Hi ✓", "Charset": "UTF-8"},
                    "Body": {
                        "Text": {"Data": "t", "Charset": "UTF-8"},
                        "Html": {"Data": "<p>h</p>", "Charset": "UTF-8"},
                    },
                }
            },
        }
    ]


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("BadRequestException", "Domain contains illegal character", Refused),
        ("MessageRejected", "Address blacklisted.", Refused),
        ("MessageRejected", "Email address is not verified: jane@example.com", Refused),
        ("MessageRejected", "Email address is not verified: no-reply@example.com", Unavailable),
        ("MailFromDomainNotVerifiedException", "", Unavailable),
        ("AccountSuspendedException", "", Unavailable),
        ("SendingPausedException", "", Unavailable),
        ("TooManyRequestsException", "", Unavailable),
        ("LimitExceededException", "", Unavailable),
        ("AccessDeniedException", "not authorized to perform ses:SendEmail", Unavailable),
        ("InternalFailure", "", Unavailable),
    ],
)
def test_only_what_is_wrong_with_the_recipient_is_a_refusal(code: str, message: str, expected: type[Exception]) -> None:
    def refuse(_: dict[str, Any]) -> None:
        raise ClientError({"Error": {"Code": code, "Message": message}}, "SendEmail")

    with pytest.raises(expected):
        send_to(refuse, compose(LETTER))


def test_a_mail_service_that_does_not_answer_is_away() -> None:
    def silence(_: dict[str, Any]) -> None:
        raise ConnectTimeoutError(endpoint_url="https://email.us-east-1.amazonaws.com")

    with pytest.raises(Unavailable):
        send_to(silence, compose(LETTER))


# The label of a return

LABEL = LabelLetter(
    recipient="jane@example.com",
    shop="Harbor & Pine",
    rma_number="RMA-7K3M-9Q2X",
    order_id="order_1",
    items=(("Merino Jersey", 2), ("Wool Socks", 1)),
    send_by=date(2027, 4, 25),
    label=b"%PDF-1.4",
)


def test_the_mail_with_a_label_says_what_to_send_back_and_until_when() -> None:
    mail = return_label.compose(LABEL)

    assert mail.subject == "Your return RMA-7K3M-9Q2X to Harbor & Pine"
    for text in (" ".join(Page(mail.html).text.split()), mail.text):
        for part in ("RMA-7K3M-9Q2X", "order_1", "Merino Jersey", "Wool Socks", "arrives by 25 April 2027"):
            assert part in text, part


def test_a_return_without_a_deadline_is_not_told_one() -> None:
    assert "arrives by" not in return_label.compose(replace(LABEL, send_by=None)).text


def test_no_product_and_no_shop_is_markup_in_the_mail_with_a_label() -> None:
    plain = Page(return_label.compose(LABEL).html)

    mail = return_label.compose(replace(LABEL, shop=MARKUP, items=((MARKUP, 2), ("Wool Socks", 1))))

    page = Page(mail.html)
    assert (page.tags, page.links) == (plain.tags, [])
    assert page.text.count(MARKUP) == 3
    assert mail.text.count(MARKUP) == 2


def test_ses_is_given_the_label_as_a_file_and_no_file_with_other_mails() -> None:
    asked: list[dict[str, Any]] = []

    send_to(asked.append, return_label.compose(LABEL))
    send_to(asked.append, compose(LETTER))

    [with_label, without] = [each["Content"]["Simple"] for each in asked]
    assert with_label["Attachments"] == [
        {"FileName": "RMA-7K3M-9Q2X.pdf", "ContentType": "application/pdf", "RawContent": b"%PDF-1.4"}
    ]
    assert "Attachments" not in without


def test_a_label_for_nobody_in_particular_is_refused() -> None:
    with pytest.raises(Refused):
        return_label.compose(replace(LABEL, recipient="jane"))


# The stack


def test_only_functions_that_render_have_the_documents_layer_and_only_mailers_send() -> None:
    resources = template()["Resources"]
    with_layer = {name for name, each in resources.items() if {"Ref": "DocumentsLayer"} in each_layer(each)}
    senders = {name for name, each in resources.items() if "ses:SendEmail" in str(each)}

    assert with_layer == {
        "AdminApproveReturn",
        "AdminGetInvoice",
        "AdminGetPickList",
        "AdminGetSlip",
        "QueuesDeliverGiftCard",
        "QueuesMailCustomer",
        "StorefrontDownloadFile",
        "StorefrontGetOrderQr",
        "StorefrontRequestReturn",
        "V2UpdateTenant",
        "WorkflowsMailReturnLabel",
        "WorkflowsPublishLiabilityDay",
    }
    assert senders == {"CustomerMailerRole", "MailerRole", "ReturnLabelMailerRole"}


def each_layer(resource: dict[str, Any]) -> list[Any]:
    layers: list[Any] = resource.get("Properties", {}).get("Layers", [])
    return layers


def test_the_request_to_deliver_is_tills_own_and_documented_events_are_not() -> None:
    assert {name for name, model in CATALOGUE.items() if model.internal} == {
        "customer.notice",
        "gift_card.delivery_requested",
        "gift_card_batch.requested",
        "inventory.alert_set",
        "job.requested",
        "refund.requested",
        "refund.settled",
        "return.redrive_requested",
        "stock.changed",
    }


def test_functions_without_the_documents_layer_start_without_its_libraries() -> None:
    functions = {
        name: each["Properties"]
        for name, each in template()["Resources"].items()
        if each["Type"] == "AWS::Serverless::Function"
    }
    files = [
        each["CodeUri"].removeprefix("functions/") + each["Handler"].removesuffix(".handler")
        for each in functions.values()
        if {"Ref": "DocumentsLayer"} not in each.get("Layers", [])
    ]
    code = (
        "import sys; sys.path[:0] = ['layers/common', '.']; sys.modules.update(jinja2=None, markupsafe=None)\n"
        f"from tests.shop import handler\nprint(len([handler(file) for file in {files}]))"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.stdout.strip() == str(len(files)), done.stderr
