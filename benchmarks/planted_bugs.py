"""Do the tests bite? ``python -m benchmarks.planted_bugs`` plants one bug after another and runs the tests that know.

Each bug is a replacement of text that stands exactly once in its file, in a copy of the repository. The exit code is 1
where more than one bug is missed, and 2 where the tests fail without any.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMERCE = "layers/common/commerce"
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", ".till", ".aws-sam", ".hypothesis", ".*_cache", "__pycache__")
SHARED = (".venv", ".till")  # environments, which no bug is in
MISSED_AT_MOST = 1
ENVIRONMENT = {"TILL_EXAMPLES": "20", "TILL_SEED": "4"}

MACHINE = "tests/unit/test_stored_value_machine.py"
AMID = "tests/endpoints/test_stored_value_interleavings.py"
CORE = "tests/endpoints/test_stored_value.py"
STOREFRONT = "tests/endpoints/test_storefront_gift_cards.py"
ADMIN = "tests/endpoints/test_gift_cards.py"


@dataclass(frozen=True)
class Bug:
    """``what`` is gone wrong, by ``right`` having become ``wrong`` in a file; ``tests`` are given to pytest."""

    what: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]


BUGS = (
    Bug(
        "a card is written whoever wrote it since",
        "gift_cards/store.py",
        'tx.put(_row(tenant, card), GiftCardRow.version == card.version - 1, StaleWrite("gift card"))',
        "tx.put(_row(tenant, card))",
        (AMID, "-k", "redeem or hold"),
    ),
    Bug(
        "a lot of store credit is written whoever wrote it since",
        "store_credit/store.py",
        'tx.put(_row(tenant, lot), LotRow.version == lot.version - 1, StaleWrite("store credit"))',
        "tx.put(_row(tenant, lot))",
        (AMID, "-k", "credit"),
    ),
    Bug(
        "a hold that has ended pays for an order",
        "orders/tendering.py",
        "card.is_usable(now) and redemption.is_live(now) and redemption.amount == told.amount",
        "card.is_usable(now) and redemption.amount == told.amount",
        (CORE,),
    ),
    Bug(
        "a card pays and no entry is posted",
        "gift_cards/redeeming.py",
        "    ledger.post(tx, caller.tenant, entries.commit(saved, done, caller.actor))\n",
        "",
        (CORE,),
    ),
    Bug(
        "what a card paid stays held of it",
        "gift_cards/model.py",
        "balance=self.balance - spent, held=self.held - held, holds=self.holds - 1, entries=self.entries + 1",
        "balance=self.balance - spent, entries=self.entries + 1",
        (CORE,),
    ),
    Bug(
        "who takes a hold over leaves the old one as it was",
        "gift_cards/redeeming.py",
        "        after = _end(tx, tenant, after, other, now)\n",
        "        after = after.release(other.amount)\n",
        (CORE,),
    ),
    Bug(
        "each refund onto a card forgets the one before",
        "gift_cards/model.py",
        "given_back = self.given_back + amount",
        "given_back = amount",
        (CORE,),
    ),
    Bug(
        "lots of store credit are spent latest expiring first",
        "store_credit/model.py",
        "lot.credit_id))[:MAX_LOTS_AT_ONCE]",
        "lot.credit_id), reverse=True)[:MAX_LOTS_AT_ONCE]",
        (CORE,),
    ),
    Bug(
        "what comes back to a new card is booked for the old one",
        "gift_cards/redeeming.py",
        "entries.give_back(after, done, amount, kind, source, caller.actor, reason)",
        "entries.give_back(card, done, amount, kind, source, caller.actor, reason)",
        (CORE,),
    ),
    Bug(
        "a cancelled order gives back what it gave back before",
        "orders/tendering.py",
        "{tender.tender_id: tender.remaining for tender in order.tenders if tender.remaining.minor}",
        "{tender.tender_id: tender.amount for tender in order.tenders}",
        (CORE,),
    ),
    Bug(
        "a request is not recorded with its change",
        "operations/use_cases.py",
        "        store.complete(tx, operation, _sealed(answer, operation))\n",
        "",
        (ADMIN, "-k", "twice or replay"),
    ),
    Bug(
        "any PIN opens any card",
        "gift_cards/pins.py",
        "return hmac.compare_digest(hash_of(tenant, serial, pin), pin_hash or _NO_HASH)",
        "return hmac.compare_digest(hash_of(tenant, serial, pin), pin_hash or _NO_HASH) or pin_hash is not None",
        (STOREFRONT, "-k", "stranger or misses"),
    ),
    Bug(
        "PINs are guessed without end",
        "gift_cards/guessing.py",
        "misses=Quota(5)",
        "misses=Quota(5_000)",
        (STOREFRONT, "-k", "misses"),
    ),
    Bug(
        "an entry counts for the day in Greenwich",
        "ledger/store.py",
        "return day_of(entry.at, tenant.timezone)",
        'return day_of(entry.at, "UTC")',
        (MACHINE,),
    ),
    Bug(
        "a transferred card keeps its PIN",
        "gift_cards/lifecycle.py",
        "generation = card.pin_generation + 1",
        "generation = card.pin_generation",
        (STOREFRONT, "-k", "transfer"),
    ),
    Bug(
        "a payment stays open when a card has paid the order",
        "orders/tendering.py",
        "if order.payment_intent_id is not None and order.may_pay(PaymentStatus.VOIDED):",
        "if order.payment_intent_id is None and order.may_pay(PaymentStatus.VOIDED):",
        (ADMIN, "-k", "redeeming"),
    ),
    Bug(
        "what a cancelled card held is held for ever",
        "gift_cards/lifecycle.py",
        "ended = release_all(tx, tenant, card.move_to(CardStatus.CANCELLED), now)",
        "ended = card.move_to(CardStatus.CANCELLED)",
        (AMID, "-k", "card"),
    ),
    Bug(
        "store credit that comes back late lapses at once",
        "store_credit/model.py",
        " if self.has_expired(at) else back",
        " if False else back",
        (CORE,),
    ),
    Bug(
        "a refund leaves the gift cards that were bought spendable",
        "orders/tendering.py",
        "        _reclaim_sold(tx, caller, before, after)\n",
        "",
        ("tests/endpoints/test_bought_gift_cards.py",),
    ),
)


def main() -> int:
    """Plant, run, print, and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted_bugs", description="Do the tests bite?")
    parser.add_argument("--only", default="", metavar="WORDS", help="bugs whose description contains WORDS")
    wanted = [bug for bug in BUGS if parser.parse_args().only in bug.what]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "till"
        shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
        for name in SHARED:
            (copy / name).symlink_to(ROOT / name)
        for tests in sorted({bug.tests for bug in wanted}):
            if not passes(copy, tests):
                print(f"without any bug these fail: {' '.join(tests)}")
                return 2
        missed = [bug for bug in wanted if not caught(copy, bug)]
    print(f"{len(wanted) - len(missed)} of {len(wanted)} caught")
    return int(len(missed) > MISSED_AT_MOST)


def caught(copy: Path, bug: Bug) -> bool:
    """Whether the tests that know fail with the bug."""
    file = copy / COMMERCE / bug.file
    text = file.read_text()
    if text.count(bug.right) != 1:
        raise SystemExit(f"{bug.file}: {bug.right!r} stands {text.count(bug.right)} times")
    began = time.monotonic()
    file.write_text(text.replace(bug.right, bug.wrong))
    try:
        found = not passes(copy, bug.tests)
    finally:
        file.write_text(text)
    print(f"{'caught' if found else 'MISSED'}  {time.monotonic() - began:5.1f} s  {bug.what}", flush=True)
    return found


def passes(copy: Path, tests: tuple[str, ...]) -> bool:
    """Whether the tests pass. Whatever else pytest has to say of them than pass or fail is a mistake here."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, cwd=copy, env=os.environ | ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout + done.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
