"""A thousand random pages of products while products come, change and go (contract 4.4, X-04, X-53).

What each walk through the pages must show is worked out here from the products themselves, by nothing that the code
under test uses. ``PAGES_SEED=<number>`` repeats a run, ``PAGES=<number>`` asks for more pages.
"""

import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from commerce.kernel import clock
from tests.faults.conftest import new_shop
from tests.shop import Call

PAGES = int(os.environ.get("PAGES", "1000"))
PRODUCTS = 60
WORDS = ["Tee", "tea", "Mug", "mug, blue", "Élan", "Zoo", "Tee#2", "Ö", "tee shirt", "Mug!"]
CATEGORIES = ["audio", "bar", "clothing", "drinks"]
STATUSES = ["active", "draft", "archived"]
SHELVES = ["1", "2", "a,b", "ü=1"]
START = datetime(2026, 3, 1, tzinfo=UTC)

type Product = dict[str, Any]
type Test = Callable[[Product], bool]


@dataclass
class Asked:
    """A question for a list, and what it means."""

    query: list[tuple[str, str]] = field(default_factory=list)
    tests: list[Test] = field(default_factory=list)
    heads: list[tuple[Callable[[Product], str], bool]] = field(default_factory=list)
    order: str = "created_at"
    descending: bool = True

    def add(self, name: str, value: str, test: Test) -> None:
        self.query.append((name, value))
        self.tests.append(test)

    def matches(self, product: Product) -> bool:
        return all(test(product) for test in self.tests)

    def sorted(self, products: list[Product]) -> list[str]:
        """Ids in the order asked for; equal ones by id, in the same direction."""
        found = sorted(products, key=lambda each: (value_of(each, self.order), each["id"]), reverse=self.descending)
        for head, descending in reversed(self.heads):
            found.sort(key=head, reverse=descending)
        return [each["id"] for each in found]


def value_of(product: Product, name: str) -> Any:
    return product[name].casefold() if name == "name" else product[name]


class World:
    """The products as the API answered when they were last written, and the moves that change them."""

    def __init__(self, call: Call, dice: random.Random) -> None:
        self.call, self.dice = call, dice
        self.products: dict[str, Product] = {}
        self.touched: set[str] = set()
        self.seconds = 0

    @contextmanager
    def later(self) -> Iterator[None]:
        """Each change happens in a second of its own, so that times tell what came first."""
        self.seconds += 1
        with clock.use(lambda: START + timedelta(seconds=self.seconds)):
            yield

    def fields(self) -> dict[str, Any]:
        dice = self.dice
        return {
            "name": dice.choice(WORDS) + dice.choice(["", f" {dice.randrange(9)}"]),
            "price": Decimal(dice.randrange(1, 40)) / dice.choice([1, 2, 4]),
            "status": dice.choices(STATUSES, [6, 3, 1])[0],
            "categories": dice.sample(CATEGORIES, dice.randrange(4)),
            "metadata": {key: dice.choice(SHELVES) for key in ("shelf", "rack") if dice.random() < 0.7},
        }

    def insert(self) -> None:
        with self.later():
            body = self.fields() | {"sku": f"SKU-{self.seconds}"}
            self._written(self.call("v2/catalog/create_product", body=body), 201)

    def change(self) -> None:
        fields = self.fields()
        names = self.dice.sample(sorted(fields), self.dice.randrange(1, 4))
        with self.later():
            answered = self.call(
                "v2/catalog/update_product", id=self.any(), body={name: fields[name] for name in names}
            )
        self._written(answered, 200)

    def archive(self) -> None:
        product_id = self.any()
        with self.later():
            assert self.call("v2/catalog/delete_product", id=product_id).status == 204
        self._written(self.call("v2/catalog/get_product", id=product_id), 200)

    def move(self) -> None:
        self.dice.choices([self.insert, self.change, self.archive], [2, 5, 1])[0]()

    def any(self) -> str:
        return self.dice.choice(sorted(self.products))

    def _written(self, answered: Any, status: int) -> None:
        assert answered.status == status, answered.text
        self.products[answered.body["id"]] = answered.body
        self.touched.add(answered.body["id"])


def a_question(dice: random.Random, world: World) -> Asked:
    """Filters and an order that lists are kept by, and filters that narrow these down."""
    asked = Asked()
    categories = dice.sample([*CATEGORIES, "none"], dice.choice([0, 0, 1, 2, 4]))
    if len(categories) == 1 and dice.random() < 0.5:
        asked.add("category", categories[0], lambda each: categories[0] in each["categories"])
    elif categories:
        asked.add(
            "filter[category][in]", ",".join(categories), lambda each: bool({*categories} & {*each["categories"]})
        )
    metadata = dice.sample(["shelf", "rack"], dice.choice([0, 0, 0, 1, 2]))
    for key in metadata:
        value = dice.choice(SHELVES)
        asked.add(f"metadata[{key}]", value, partial(has_pair, key, value))
    statuses = a_status(dice, asked)
    ranged = an_order(dice, asked, world)
    found = bool(categories or metadata or ranged or any("status" in name for name, _ in asked.query))
    heads: dict[str, tuple[Callable[[Product], str], bool]] = {}
    if not metadata and len(asked.query) and dice.random() < 0.4:
        descending = dice.random() < 0.5
        best = max if descending else min
        if categories:
            heads["category"] = (lambda each: best({*categories} & {*each["categories"]}), descending)
        elif len(statuses) > 1:
            heads["status"] = (lambda each: str(each["status"]), descending)
    if heads:
        sorts = [("-" if down else "") + name for name, (_, down) in heads.items()]
        given = dict(asked.query).get("sort")
        asked.query = [each for each in asked.query if each[0] != "sort"]
        asked.query.append(("sort", ",".join([*sorts, *([given] if given else [])])))
        asked.heads = list(heads.values())
    if found and dice.random() < 0.4:
        narrow(dice, asked)
    return asked


def has_pair(key: str, value: str, product: Product) -> bool:
    return bool(product["metadata"].get(key) == value)


def a_status(dice: random.Random, asked: Asked) -> list[str]:
    form = dice.choice(["none", "none", "eq", "in", "ne", "nin"])
    chosen = dice.sample(STATUSES, 2 if form in ("in", "nin") else 1)
    if form in ("eq", "in"):
        name = "status" if form == "eq" and dice.random() < 0.5 else f"filter[status][{form}]"
        asked.add(name, ",".join(chosen), lambda each: each["status"] in chosen)
        return chosen
    if form in ("ne", "nin"):
        asked.add(f"filter[status][{form}]", ",".join(chosen), lambda each: each["status"] not in chosen)
    asked.tests.append(lambda each: each["status"] != "archived")  # unless it is asked for
    return [each for each in ("active", "draft") if form == "none" or each not in chosen]


def an_order(dice: random.Random, asked: Asked, world: World) -> bool:
    """A sort or none, and a range of the field that it is of; without a sort the range's field gives the order."""
    name = dice.choice(["created_at", "updated_at", "name", "price"])
    explicit, ranged = dice.random() < 0.6, dice.random() < 0.4
    if explicit:
        asked.descending = dice.random() < 0.5
        asked.order = name
        asked.query.append(("sort", ("-" if asked.descending else "") + name))
    if ranged:
        if not explicit:
            asked.order, asked.descending = name, False
        pivots = [value_of(world.products[world.any()], name) for _ in range(2)]
        low, high = min(pivots), max(pivots)
        first, last = dice.choice(["gte", "gt"]), dice.choice(["lte", "lt"])
        if dice.random() < 0.7:
            strictly = first == "gt"
            asked.add(f"filter[{name}][{first}]", str(low), lambda each: after(value_of(each, name), low, strictly))
        else:
            first = ""
        if dice.random() < 0.5 or not first:
            exclusive = last == "lt"
            asked.add(f"filter[{name}][{last}]", str(high), lambda each: after(high, value_of(each, name), exclusive))
        if name == "name" and dice.random() < 0.5:
            start = dice.choice(["te", "mug", "Ö", "z"])
            asked.add(
                "filter[name][starts_with]", start, lambda each: each["name"].casefold().startswith(start.casefold())
            )
    return ranged


def after(value: Any, bound: Any, strictly: bool) -> bool:
    return bool(value > bound or (value == bound and not strictly))


def narrow(dice: random.Random, asked: Asked) -> None:
    part = dice.choice(["e", "mu", "1", "#"])
    choices: list[tuple[str, str, Test]] = [
        ("filter[name][contains]", part, lambda each: part.casefold() in each["name"].casefold()),
        ("filter[name][ends_with]", part, lambda each: each["name"].casefold().endswith(part)),
        ("filter[sku][starts_with]", "SKU-1", lambda each: each["sku"].startswith("SKU-1")),
        ("filter[price][ne]", "5", lambda each: each["price"] != 5),
        ("filter[price][in]", "5,6,7,8.50", lambda each: each["price"] in (5, 6, 7, Decimal("8.5"))),
        ("filter[category][nin]", "audio,bar", lambda each: not {"audio", "bar"} & {*each["categories"]}),
        ("filter[category][ne]", "drinks", lambda each: "drinks" not in each["categories"]),
    ]
    for name, value, test in dice.sample(choices, dice.choice([1, 1, 2])):
        asked.add(name, value, test)


@pytest.mark.usefixtures("table")
@pytest.mark.timeout(600)
def test_a_thousand_random_pages_are_each_list_as_it_was_while_products_came_changed_and_went(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seed = int(os.environ.get("PAGES_SEED") or random.SystemRandom().randrange(10**6))
    with capsys.disabled():
        sys.stdout.write(f"\n  PAGES_SEED={seed}")
    dice = random.Random(seed)
    world = World(new_shop(), dice)
    for _ in range(PRODUCTS):
        world.insert()

    pages = walks = shown = 0
    while pages < PAGES:
        asked = a_question(dice, world)
        seen, turned = walk(world, asked)
        pages, walks, shown = pages + turned, walks + 1, shown + seen

    with capsys.disabled():
        sys.stdout.write(f": {walks} walks, {pages} pages, {shown} rows, {len(world.products)} products  ")
    assert shown > PAGES  # or hardly anything was looked at


def walk(world: World, asked: Asked) -> tuple[int, int]:
    """Go through all pages of a list while the shop goes on; give the rows shown and the pages turned."""
    before = dict(world.products)
    world.touched = set()
    was: dict[str, list[Product]] = {product_id: [product] for product_id, product in before.items()}
    lively = world.dice.random() < 0.8
    shown: list[Product] = []
    cursor, pages = None, 0
    while True:
        query = dict(asked.query) | {"limit": str(world.dice.randrange(1, 9))} | ({"cursor": cursor} if cursor else {})
        answered = world.call("v2/catalog/list_products", query=query)
        assert answered.status == 200, (asked.query, answered.text)
        pages += 1
        assert len(answered.body["data"]) <= int(query["limit"])
        shown += answered.body["data"]
        cursor = answered.body["pagination"]["next_cursor"]
        if cursor is None:
            break
        if lively and world.dice.random() < 0.7:
            world.move()
            for product_id in world.touched:
                was.setdefault(product_id, []).append(world.products[product_id])
    ids = [product["id"] for product in shown]
    unmoved = [product for product in before.values() if product["id"] not in world.touched and asked.matches(product)]
    assert [each for each in ids if each not in world.touched] == asked.sorted(unmoved), asked.query
    new = Counter(each for each in ids if each not in before and len(was[each]) == 1)
    assert set(new.values()) <= {1}, f"shown twice: {new}"
    for product in shown:
        states = [(each["version"], asked.matches(each)) for each in was[product["id"]]]
        assert (product["version"], True) in states, (asked.query, product)
    return len(ids), pages
