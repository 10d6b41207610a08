"""``make bench-export``: the export of 10,000, 50,000 and 100,000 products, as CSV and as JSON.

Rows are made as they are asked for, in place of the table's lists, and files stand on the disk in place of S3; all else
is the job's own code, slice by slice. Each size runs in a process of its own, whose peak memory is measured, and each
file is read back by a parser of its format. It fails beyond 256 MB, or where a row of the largest export takes over 1.2
times that of the smallest one.
"""

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.liability import Disk

SIZES = (10_000, 50_000, 100_000)
FORMATS = ("csv", "json")
MAX_MEGABYTES, MAX_RATIO = 256, 1.2
ROUNDS = 3  # of each size; the quickest counts, which other work on the machine disturbed the least
MADE_AT = "2026-03-20T12:00:00.000000Z"
NAMES = ("Harbor Cotton Tee", "Café-Becher, groß", "=1+1 Mug", "ハーバーコットン", 'The "Pine" Candle')


def product(number: int, pk: str) -> dict[str, Any]:
    """A listed product as DynamoDB gives it, about 1 KB."""
    name = f"{NAMES[number % len(NAMES)]} {number}"
    variants: list[dict[str, Any]] = [
        {
            "id": f"var_{number:031x}{size}",
            "sku": f"SKU-{number}-{size}",
            "price": None,
            "attributes": {},
            "image": None,
        }
        for size in range(2)
    ]
    return {
        "pk": {"S": pk},
        "sk": {"S": f"{MADE_AT}#prod_{number:032x}"},
        "kind": {"S": "listed_product"},
        "product_id": {"S": f"prod_{number:032x}"},
        "sku": {"S": f"SKU-{number}"},
        "names": {"S": json.dumps({"en": name}, ensure_ascii=False)},
        "descriptions": {"S": json.dumps({"en": "Soft, heavy cotton from the harbor. " * 6})},
        "price": {"N": str(500 + number)},
        "currency": {"S": "USD"},
        "status": {"S": "active"},
        "categories": {"S": '["clothing","tees"]'},
        "variants": {"S": json.dumps(variants)},
        "images": {"S": '["https://cdn.example.com/tee.jpg"]'},
        "metadata": {"S": '{"season":"summer"}'},
        "created_at": {"S": MADE_AT},
        "updated_at": {"S": MADE_AT},
        "version": {"N": "1"},
    }


def export(products: int, format: str) -> dict[str, float]:
    """One whole export; seconds, bytes and peak megabytes of this process before the file is read back."""
    from commerce.catalog.store import ListedProductRow
    from commerce.jobs import running
    from commerce.jobs import use_cases as jobs
    from commerce.jobs.model import Format, Job, JobType
    from commerce.kernel.caller import Tenant, system
    from commerce.table.reading import _Order

    os.environ |= {"FILES_BUCKET": "bench", "CURSOR_KEY": "bench"}
    tenant = Tenant("ten_bench")
    job = jobs.new(system(tenant, "bench"), "exp_bench", JobType.PRODUCT_EXPORT, Format(format), products)

    def listed(_: _Order, pk: str, _low: str, high: str, size: int) -> list[Any]:
        """The list of products on sale, newest first; that of the others is empty."""
        if not pk.endswith(":listed"):
            return []
        newest = int(high.rpartition("_")[2], 16) if high else products - 1
        return [ListedProductRow.from_raw_data(product(each, pk)) for each in range(newest, max(newest - size, -1), -1)]

    def saved(_: Tenant, after: Job) -> Job:
        nonlocal job
        job = after
        return after

    with (
        tempfile.TemporaryDirectory() as folder,
        patch("commerce.jobs.files.client", return_value=Disk(folder)),
        patch("commerce.kernel.uploads.client", return_value=Disk(folder)),
        patch.object(_Order, "_query", listed),
        patch("commerce.jobs.queries.get", lambda *_: job),
        patch.object(running, "_saved", saved),
    ):
        began, slices = time.process_time(), 0
        while not running.run_slice(tenant, job.job_id).is_over:
            slices += 1
        seconds = time.process_time() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        [file] = Path(folder).glob(f"*result.{format}")
        read_back(file, format, products)
        size = file.stat().st_size
    return {"seconds": seconds, "bytes": size, "slices": slices, "megabytes": peak}


def read_back(file: Path, format: str, products: int) -> None:
    """Raise AssertionError unless every product is in the file once, with its name and price."""
    if format == "json":
        records = json.loads(file.read_text(), parse_float=Decimal)
    else:
        with file.open(encoding="utf-8-sig", newline="") as text:
            records = list(csv.DictReader(text, strict=True))
    assert len(records) == products
    for number, record in zip(range(products - 1, -1, -1), records, strict=True):
        name = f"{NAMES[number % len(NAMES)]} {number}"
        defused = f"'{name}" if format == "csv" and name.startswith("=") else name
        assert (record["id"], record["name"]) == (f"prod_{number:032x}", defused)
        assert Decimal(record["price"]) == Decimal(500 + number) / 100


def measured(products: int, format: str) -> dict[str, float]:
    """The quickest of several exports, each in a new process; the largest of their peaks."""
    command = [sys.executable, "-m", "benchmarks.exports", str(products), format]
    found: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    quickest = min(found, key=lambda each: each["seconds"])
    return {**quickest, "megabytes": max(each["megabytes"] for each in found)}


def main() -> int:
    """Print a line for each size and format, and the ratios; 1 when a limit is broken."""
    columns = f"{'slices':>6} {'MB':>6} {'seconds':>8} {'rows/s':>8} {'us/row':>7} {'peak MB':>8}"
    print(f"  {'format':6} {'products':>8} {columns}")
    broken = False
    for written_as in FORMATS:
        costs, peak = [], 0.0
        for products in SIZES:
            each = measured(products, written_as)
            costs.append(each["seconds"] / products)
            peak = max(peak, each["megabytes"])
            megabytes = each["bytes"] / 1e6
            print(
                f"  {written_as:6} {products:8,} {each['slices']:6.0f} {megabytes:6.1f} {each['seconds']:8.1f}"
                f" {1 / costs[-1]:8,.0f} {costs[-1] * 1e6:7.1f} {each['megabytes']:8.0f}"
            )
        ratio = costs[-1] / costs[0]
        print(f"  a row of the largest takes {ratio:.2f} times that of the smallest (at most {MAX_RATIO})")
        print(f"  peak memory {peak:.0f} MB (below {MAX_MEGABYTES})")
        broken |= ratio > MAX_RATIO or peak >= MAX_MEGABYTES
    return int(broken)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "layers" / "common"))
    os.environ |= {"POWERTOOLS_METRICS_NAMESPACE": "Till", "TABLE_NAME": "none", "LOG_LEVEL": "WARNING"}
    if len(sys.argv) > 1:
        print(json.dumps(export(int(sys.argv[1]), sys.argv[2])))
        raise SystemExit(0)
    raise SystemExit(main())
