"""Amounts coming in over the wire: both documented forms (contract X-01)."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from commerce.kernel.errors import Invalid
from commerce.kernel.money import MAX_MINOR, Money, currency_code


class MinorAmount(BaseModel):
    """The documented price object: ``{"amount": 19999, "currency": "USD"}``, minor units."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    amount: Annotated[int, Field(strict=True, ge=0, le=MAX_MINOR)]
    currency: str
    formatted: str | None = None


def _read_amount(value: Any) -> Any:
    if isinstance(value, bool | str) or not isinstance(value, int | Decimal | dict | MinorAmount):
        raise ValueError("Must be a number in major units, or {amount, currency} in minor units")
    return MinorAmount.model_validate(value) if isinstance(value, dict) else value


AmountIn = Annotated[
    Decimal | MinorAmount,
    PlainValidator(_read_amount),
    WithJsonSchema(
        {
            "oneOf": [
                {"type": "number", "minimum": 0, "maximum": MAX_MINOR, "description": "decimal major units"},
                {
                    "type": "object",
                    "properties": {
                        "amount": {"type": "integer", "minimum": 0, "maximum": MAX_MINOR},
                        "currency": {"type": "string", "description": "ISO 4217"},
                        "formatted": {"type": ["string", "null"], "description": "Not read"},
                    },
                    "required": ["amount", "currency"],
                    "additionalProperties": False,
                    "description": "integer minor units",
                },
            ],
            "examples": [199.99],
        }
    ),
]
"""An amount coming in: both documented forms are read (contract X-01)."""


def money(amount: Decimal | MinorAmount, currency: str, *, field: str) -> Money:
    """Turn an amount from the wire into ``Money`` of ``currency``, the tenant's.

    Raises:
        Invalid: negative, another currency, or more decimal places than the currency has.
    """
    if isinstance(amount, MinorAmount):
        if currency_code(amount.currency) != currency:
            raise Invalid(f"{field} must be in {currency}", field=field, reason="foreign_currency")
        return Money(amount.amount, currency)
    if amount < 0:
        raise Invalid(f"{field} must not be negative", field=field, reason="negative_amount")
    return Money.of_major(Decimal(amount), currency, field=field)
