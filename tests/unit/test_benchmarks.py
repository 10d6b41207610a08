"""The benchmarks count right, leave no endpoint out, and their targets for AWS calls hold."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from benchmarks.calls import item_size, read_units, watched, write_units
from benchmarks.handlers import SUBJECTS
from local.generate_openapi import load_handlers, routes
from tests.shop import ROOT
from tests.template import table_definition

TABLE = table_definition()

pytestmark = pytest.mark.timeout(600)  # one run of the benchmarks stands before the first of these


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a quick run found, in a process of its own as `make bench` is."""
    file: Path = tmp_path_factory.mktemp("benchmarks") / "figures.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert file.exists(), done.stderr
    return json.loads(file.read_text())


def test_the_targets_for_aws_calls_hold(figures: Any) -> None:
    assert [miss for target in figures["targets"] for miss in target["misses"]] == []


def test_every_route_and_every_function_is_measured() -> None:
    measured = {subject.name for subject in SUBJECTS}
    asked = {f"{route.method} {route.path}" for _, route, _ in routes()} | {
        str(file.relative_to("functions").with_suffix(""))
        for file, module in load_handlers().items()
        if not hasattr(module, "app")
    }

    assert measured == asked


def test_the_readme_tells_what_calls_cost_now(figures: Any) -> None:
    told = {
        title: float(total)
        for title, total in re.findall(r"^\| `([^`]+)` \|.*\| ([\d.]+) \|$", (ROOT / "README.md").read_text(), re.M)
    }

    assert told.keys() == figures["costs"].keys(), "run: make costs, and paste its table"
    # Items differ by a few bytes from run to run, and a unit more here or there is no news.
    assert told == pytest.approx(figures["costs"], rel=0.15, abs=0.002), "run: make costs, and paste its table"


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "zwölf"}, 6),
        ({"N": "14999"}, 4),
        ({"N": "-100"}, 3),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"B": b"abc"}, 3),
        ({"SS": ["ab", "c"]}, 3),
        ({"L": [{"S": "ab"}, {"N": "1"}]}, 3 + 3 + 3),
        ({"M": {"key": {"S": "ab"}}}, 3 + 1 + 5),
    ],
)
def test_an_item_weighs_its_names_and_values(value: dict[str, Any], size: int) -> None:
    assert item_size({"name": value}) == 4 + size


def row(size: int, **more: str) -> dict[str, Any]:
    """A row of exactly ``size`` bytes."""
    item = {name: {"S": value} for name, value in {"pk": "p", "sk": "s", **more}.items()}
    return {**item, "text": {"S": "x" * (size - item_size(item) - 4)}}


@pytest.mark.parametrize(
    ("operation", "arguments", "answer", "units"),
    [
        ("GetItem", {"ConsistentRead": True}, {"Item": row(4096)}, 1),
        ("GetItem", {"ConsistentRead": True}, {"Item": row(4097)}, 2),
        ("GetItem", {}, {"Item": row(4097)}, 1),
        ("GetItem", {}, {}, 0.5),
        ("Query", {}, {"Items": [row(3000)] * 3, "Count": 3, "ScannedCount": 3}, 1.5),
        ("Query", {"ConsistentRead": True}, {"Items": [row(3000)], "Count": 1, "ScannedCount": 3}, 3),
        (
            "BatchGetItem",
            {"RequestItems": {"table": {"Keys": [{}, {}, {}], "ConsistentRead": True}}},
            {"Responses": {"table": [row(100), row(5000)]}},
            4,
        ),
    ],
)
def test_reads_cost_by_four_kilobytes(operation: str, arguments: Any, answer: Any, units: float) -> None:
    assert read_units(operation, arguments, answer) == units


INDEXED = {"gsi1pk": "list", "gsi1sk": "1"}


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, row(1024), 1),
        (None, row(1025), 2),
        (row(3000), row(100), 3),
        (row(3000), None, 3),
        (None, row(1000, **INDEXED), 1 + 1),
        (row(1000, **INDEXED), row(1000, **INDEXED), 1),
        (row(1000, **INDEXED), row(1001, **INDEXED), 1 + 1),
        (row(1000, **INDEXED), row(1000, **INDEXED | {"gsi1sk": "2"}), 1 + 2),
        (row(1000, **INDEXED), row(1000), 1 + 1),
    ],
)
def test_writes_cost_by_the_kilobyte_and_again_in_each_index(before: Any, after: Any, units: float) -> None:
    assert write_units(before, after, TABLE) == units


def test_calls_are_counted_by_kind_and_transactions_cost_double(table: Any) -> None:
    client, name = boto3.client("dynamodb"), os.environ["TABLE_NAME"]
    key = {"pk": {"S": "p"}, "sk": {"S": "s"}}

    with watched(TABLE) as calls:
        client.put_item(TableName=name, Item=row(1500, **INDEXED))
        client.transact_write_items(TransactItems=[{"Put": {"TableName": name, "Item": row(1500, **INDEXED)}}])
        client.get_item(TableName=name, Key=key, ConsistentRead=True)

    assert calls.made == {"PutItem": 1, "TransactWriteItems": 1, "GetItem": 1}
    assert (calls.reads, calls.writes) == (1, 2)
    assert calls.write_units == (2 + 2) + 2 * 2  # the second write changes nothing, so the index is left alone
    assert calls.read_units == 1
    assert len(calls.answers) == 3
