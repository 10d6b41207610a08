"""Disputes on the wire (contract PY-06, PY-07, PY-10). Amounts are integer minor units, as those of payments."""

from typing import Annotated

from pydantic import Field

from commerce.disputes.model import MAX_TEXT, MAX_WORDS, Dispute, DisputeStatus, Response
from commerce.disputes.queries import Detailed
from commerce.disputes.representation import as_object
from commerce.http.contracts import Input, Instant, OrderId, Output
from commerce.http.pages import PageQuery

Long = Annotated[str, Field(strict=True, min_length=1, max_length=MAX_TEXT)]
Words = Annotated[str, Field(strict=True, min_length=1, max_length=MAX_WORDS)]
StripeFile = Annotated[str, Field(strict=True, max_length=255, pattern=r"^file_[A-Za-z0-9]+$", examples=["file_1Q…"])]


class EvidenceIn(Input):
    """Evidence by Stripe's names; together at most 150,000 characters. Files are uploaded to Stripe before.

    What is left out comes from the draft, unless Stripe holds something already; null leaves a field as it is.
    """

    access_activity_log: Long | None = None
    billing_address: Words | None = None
    cancellation_policy: StripeFile | None = None
    cancellation_policy_disclosure: Long | None = None
    cancellation_rebuttal: Long | None = None
    customer_communication: StripeFile | None = None
    customer_email_address: Words | None = None
    customer_name: Words | None = None
    customer_purchase_ip: Words | None = None
    customer_signature: StripeFile | None = None
    duplicate_charge_documentation: StripeFile | None = None
    duplicate_charge_explanation: Long | None = None
    duplicate_charge_id: Words | None = None
    product_description: Long | None = None
    receipt: StripeFile | None = None
    refund_policy: StripeFile | None = None
    refund_policy_disclosure: Long | None = None
    refund_refusal_explanation: Long | None = None
    service_date: Words | None = None
    service_documentation: StripeFile | None = None
    shipping_address: Words | None = None
    shipping_carrier: Words | None = None
    shipping_date: Words | None = None
    shipping_documentation: StripeFile | None = None
    shipping_tracking_number: Words | None = None
    uncategorized_file: StripeFile | None = None
    uncategorized_text: Long | None = None


class RespondIn(Input):
    """An empty ``evidence`` is the draft alone. With ``submit`` the bank gets it, once; without, Stripe keeps it.

    ``include_notes`` lets the draft tell the staff's notes on the order: the bank may show them to the card's holder.
    """

    evidence: EvidenceIn
    submit: Annotated[bool, Field(strict=True)] = True
    include_notes: Annotated[bool, Field(strict=True)] = False

    def to_command(self, dispute_id: str) -> Response:
        return Response(
            dispute_id=dispute_id,
            evidence=self.evidence.model_dump(exclude_unset=True),
            submit=self.submit,
            include_notes=self.include_notes,
        )


class DisputeOut(Output):
    """A dispute of a payment. ``status`` and ``reason`` are Stripe's words; a ``warning`` is an inquiry, which takes no
    money. ``evidence_due_by`` is null where nothing is awaited."""

    id: str
    payment_id: str
    order_id: str
    customer_id: str
    status: DisputeStatus
    reason: str
    amount: int
    amount_withdrawn: int
    amount_reinstated: int
    amount_lost: int
    currency: str
    evidence_due_by: Instant | None
    evidence_overdue: bool
    evidence_submissions: int
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, dispute: Dispute) -> "DisputeOut":
        return cls(**as_object(dispute))


class DisputeDetailOut(DisputeOut):
    """``evidence`` is what Stripe holds. ``draft`` fills a response up where neither it nor the request says more; null
    once the dispute cannot be answered."""

    evidence: dict[str, str]
    draft: dict[str, str] | None

    @classmethod
    def of_detailed(cls, detailed: Detailed) -> "DisputeDetailOut":
        return cls(**as_object(detailed.dispute), evidence=detailed.evidence, draft=detailed.draft)


class DisputesQuery(PageQuery):
    status: DisputeStatus | None = None
    order_id: OrderId | None = None
