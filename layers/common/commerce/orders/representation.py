"""An order as v2 shows it: what ``/v2/orders`` answers, and what events of orders carry."""

from dataclasses import asdict
from typing import Any

from commerce.orders.model import AppliedDiscount, Order, OrderLine, SoldGiftCard, Tender


def as_object(order: Order) -> dict[str, Any]:
    """The order in plain values: amounts are decimal major units, instants are instants."""
    return {
        "id": order.order_id,
        "customer_id": order.buyer.customer_id,
        "customer": {"id": order.buyer.customer_id, "email": order.buyer.email, "name": order.buyer.name},
        "status": str(order.status),
        "payment_status": str(order.payment_status),
        "fulfillment_status": str(order.fulfillment_status),
        "items": [_item(line) for line in order.lines],
        "items_count": order.units,
        "currency": order.currency,
        "subtotal": order.subtotal.major,
        "discount": order.discount.major,
        "discounts": [_discount(discount) for discount in order.discounts],
        "shipping": order.shipping.major,
        "tax": order.tax.major,
        "total": order.total.major,
        "amount_due": order.outstanding.major,
        "refunded": order.refunded.major,
        "tenders": [_tender(tender) for tender in order.tenders],
        "gift_cards": [_gift_card(card) for card in order.gift_cards],
        "shipping_address": asdict(order.shipping_address),
        "billing_address": asdict(order.billing_address) if order.billing_address else None,
        "payment_method": order.payment_method,
        "shipping_method": order.shipping_method,
        "payment_intent_id": order.payment_intent_id,
        "tracking_number": order.tracking_number,
        "carrier": order.carrier,
        "estimated_delivery": order.estimated_delivery,
        "metadata": order.metadata,
        "version": order.version,
        "expires_at": order.expires_at,
        "created_at": order.placed_at,
        "updated_at": order.updated_at,
    }


def _item(line: OrderLine) -> dict[str, Any]:
    return {
        "id": line.line_id,
        "product_id": line.product_id,
        "variant_id": line.variant_id,
        "sku": line.sku,
        "name": line.name,
        "quantity": line.quantity,
        "shipped": line.shipped,
        "waiting": line.waiting,
        "given_up": line.given_up,
        "backorder_id": line.backorder_id,
        "expected_date": None if line.expected_on is None else line.expected_on.isoformat(),
        "price": line.unit_price.major,
        "catalogue_price": None if line.catalogue_price is None else line.catalogue_price.major,
        "total": line.total.major,
        "discount": line.discount.major,
    }


def _discount(discount: AppliedDiscount) -> dict[str, Any]:
    return {
        "type": str(discount.kind),
        "id": discount.discount_id,
        "code": discount.code,
        "name": discount.name,
        "amount": discount.amount.major,
        "shipping": discount.shipping.major,
    }


def _tender(tender: Tender) -> dict[str, Any]:
    """Stored value that pays; no gift card's number is told."""
    return {
        "type": str(tender.kind),
        "id": tender.tender_id,
        "amount": tender.amount.major,
        "refunded": tender.given_back.major,
    }


def _gift_card(card: SoldGiftCard) -> dict[str, Any]:
    """A gift card that is bought, without what opens it."""
    return {
        "id": card.line_id,
        "amount": card.amount.major,
        "recipient_email": card.recipient_email,
        "issued": card.serial is not None,
    }
