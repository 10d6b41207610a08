"""``make bench-documents``: the PDFs of an invoice of 300 lines and of a pick list of 200 orders, from a cold process.

What is measured is what the function does that prints them: it imports the libraries, reads the typefaces and renders;
Chinese, Japanese and Korean names make it read the larger typeface too. Each runs in a process of its own, whose peak
memory is measured; seconds are those of a processor. It fails beyond 512 MB or 20 seconds. With
``OPTIONS="--keep FOLDER"`` the PDFs stay there, to be looked at.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LINES, ORDERS, SKUS = 300, 200, 60
MAX_MEGABYTES, MAX_SECONDS = 512, 20
ROUNDS = 3  # the quickest counts, which other work on the machine disturbed the least
NAMES = (
    "Wool jumper, grey, M",
    "<script>alert(1)</script>",
    "قميص أزرق مقاس L (جديد)",
    "חולצה כחולה 42",
    "日本語の商品名 東京",
    "한국어 셔츠 파랑",
    "简体中文衬衫 蓝色",
    "हिन्दी कमीज़ नीली",
    "เสื้อยืดสีน้ำเงิน",
    "Ελληνικό πουκάμισο",
    "Синя сорочка",
    "A name that goes on and on, so that it needs several lines of the table that it stands in",
)


def invoice() -> Any:
    from commerce.documents.model import Invoice, InvoiceLine, Payment
    from commerce.kernel.money import Money, total

    zero = Money.zero("USD")
    lines = tuple(
        InvoiceLine(f"SKU-{number:04d}", NAMES[number % len(NAMES)], 1 + number % 5, Money(1999, "USD"), zero, zero)
        for number in range(LINES)
    )
    worth = total([line.amount for line in lines], "USD")
    to = ("محمد علي", "שדרות רוטשילד 1", "東京都千代田区1-1", "JP")
    return Invoice(
        number="INV-000042",
        issued_on=date(2026, 11, 22),
        order_id="order_0192f0c1aabbccddeeff001122334455",
        placed_on=date(2026, 11, 20),
        sender=_sender(),
        bill_to=to,
        ship_to=to,
        currency="USD",
        lines=lines,
        discount_names=(),
        subtotal=worth,
        discount=zero,
        shipping=zero,
        tax=zero,
        total=worth,
        payments=(Payment("Gift card …1234", Money(2500, "USD")), Payment("Card", worth - Money(2500, "USD"))),
    )


def pick_list() -> Any:
    from commerce.documents.model import Pick, PickedOrder, PickList, PickPlace, PickRow

    orders = tuple(PickedOrder(f"order_{number:032x}", 2 * SKUS) for number in range(ORDERS))
    rows = tuple(
        PickRow(
            f"SKU-{sku:04d}",
            NAMES[sku % len(NAMES)],
            tuple(Pick(place, 1 + place % 3) for place in range(1, ORDERS + 1) if sku == 0 or place % 20 == sku % 20),
        )
        for sku in range(SKUS)
    )
    return PickList(_sender(), orders, tuple(PickPlace(warehouse, rows) for warehouse in ("wh_001", "wh_002")))


DOCUMENTS = {f"invoice, {LINES} lines": invoice, f"pick list, {ORDERS} orders": pick_list}


def printed(name: str, keep: str) -> dict[str, float]:
    """Print one document in this process; give seconds, those of rendering alone among them, and peak memory."""
    began = time.process_time()
    from commerce.documents import pdf

    imported = time.process_time()
    content = pdf.render((DOCUMENTS[name](),), None)
    ended = time.process_time()
    if keep:
        (Path(keep) / f"{name.partition(',')[0].replace(' ', '-')}.pdf").write_bytes(content)
    return {
        "seconds": ended - began,
        "rendering": ended - imported,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "kilobytes": len(content) / 1024,
    }


def measured(name: str, keep: str) -> dict[str, float]:
    """The quickest of several processes, and the largest of their peaks."""
    command = [sys.executable, "-m", "benchmarks.documents", "--only", name, "--keep", keep]
    found = [
        json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
        for _ in range(ROUNDS)
    ]
    quickest = min(found, key=lambda each: each["seconds"])
    return {**quickest, "megabytes": max(each["megabytes"] for each in found)}


def main(keep: str) -> int:
    """Print a line for each document; 1 when a limit is broken."""
    print(f"  {'document':>22} {'seconds':>8} {'of them rendering':>18} {'peak MB':>8} {'kB':>6}")
    broken = False
    for name in DOCUMENTS:
        each = measured(name, keep)
        print(
            f"  {name:>22} {each['seconds']:8.2f} {each['rendering']:18.2f} {each['megabytes']:8.0f}"
            f" {each['kilobytes']:6.0f}",
            flush=True,
        )
        broken |= each["seconds"] > MAX_SECONDS or each["megabytes"] > MAX_MEGABYTES
    return int(broken)


def _sender() -> Any:
    from commerce.documents.model import Sender
    from commerce.kernel.document_policy import Paper

    return Sender("Nordlys & Søn", ("1 Dock Street", "Portland, ME 04101"), "VAT US123456789", Paper.A4, None)


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "layers" / "common"), str(ROOT / "layers" / "documents")]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=DOCUMENTS)
    parser.add_argument("--keep", default="")
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(printed(arguments.only, arguments.keep)))
        raise SystemExit(0)
    raise SystemExit(main(arguments.keep))
