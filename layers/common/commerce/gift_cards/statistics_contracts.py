"""Statistics of gift cards on the wire (contract GC-11)."""

from typing import Any

from commerce.gift_cards.model import Funding
from commerce.gift_cards.statistics import Figures
from commerce.http.contracts import CamelOutput, Major


class FiguresOut(CamelOutput):
    """``outstandingLiability`` is what is owed on all cards. ``reconciled`` says that it is what was issued and given
    back, less what was redeemed, expired and cancelled."""

    issued_count: int
    total_face_value: Major
    redeemed_amount: Major
    reversed_amount: Major
    refunded_amount: Major
    expired_amount: Major
    cancelled_amount: Major
    outstanding_liability: Major
    reconciled: bool


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "issued_count": figures.issued_count,
        "total_face_value": figures.issued.major,
        "redeemed_amount": figures.redeemed.major,
        "reversed_amount": figures.reversed.major,
        "refunded_amount": figures.refunded.major,
        "expired_amount": figures.expired.major,
        "cancelled_amount": figures.cancelled.major,
        "outstanding_liability": figures.outstanding.major,
        "reconciled": figures.reconciles,
    }


class FundingFiguresOut(FiguresOut):
    funding: Funding


class CurrencyFiguresOut(FiguresOut):
    currency: str
    by_funding: list[FundingFiguresOut]

    @classmethod
    def of(cls, figures: Figures) -> "CurrencyFiguresOut":
        by_funding = [
            FundingFiguresOut(**_figures(each), funding=funding) for funding, each in figures.by_funding.items()
        ]
        return cls(**_figures(figures), currency=figures.currency, by_funding=by_funding)


class StatisticsOut(CurrencyFiguresOut):
    """The shop's own currency, and each one that there are cards in; kept within about a second of the ledger."""

    by_currency: list[CurrencyFiguresOut]

    @classmethod
    def of_all(cls, own: Figures, each: list[Figures]) -> "StatisticsOut":
        by_currency = [CurrencyFiguresOut.of(figures) for figures in each]
        shown = CurrencyFiguresOut.of(own)
        return cls(**{name: getattr(shown, name) for name in CurrencyFiguresOut.model_fields}, by_currency=by_currency)
