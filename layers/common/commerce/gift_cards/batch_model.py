"""Batches of gift cards: many issued with one request, all of them or, so far, some (contract GC-02, GC-08, X-08)."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from commerce.gift_cards.issuing import IssueCard


class BatchStatus(StrEnum):
    PROCESSING = "processing"
    ISSUED = "issued"


@dataclass(frozen=True, slots=True)
class IssueBatch:
    """``quantity`` cards: one for each of ``rows``, or all of them like its only one."""

    rows: tuple[IssueCard, ...]
    quantity: int


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch and how far it is. Its cards are numbered from 0; number, batch and shop decide a card's serial.

    ``sequence`` counts its events, ``downloads`` how often a link to its file was given out.
    """

    batch_id: str
    status: BatchStatus
    rows: tuple[IssueCard, ...]
    quantity: int
    issued: int
    actor: str
    created_at: datetime
    updated_at: datetime
    sequence: int = 0
    downloads: int = 0
    version: int = 1

    def row(self, number: int) -> IssueCard:
        """What the card with this number is to be."""
        return self.rows[number if len(self.rows) > 1 else 0]

    def finished(self, at: datetime) -> "Batch":
        """The same batch with all its cards issued, one version on."""
        return self._changed(at, status=BatchStatus.ISSUED, issued=self.quantity)

    def requested(self, at: datetime) -> "Batch":
        """The same batch with whoever issues batches told of it, one version on."""
        return self._changed(at, sequence=self.sequence + 1)

    def downloaded(self, at: datetime) -> "Batch":
        """The same batch with a link to its file given out, one version on."""
        return self._changed(at, downloads=self.downloads + 1)

    def _changed(self, at: datetime, **changes: Any) -> "Batch":
        return replace(self, updated_at=at, version=self.version + 1, **changes)
