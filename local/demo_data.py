"""Fill the demo shop through its own API: products with variants and prices, stock in two warehouses, customers.

Every row has its Idempotency-Key, so an interrupted load is continued by running it again.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from local import demo_catalogue
from local.stack.settings import StackError
from local.stack.shop import call

SECOND_WAREHOUSE = "wh_002"
# Two at a time: each parallel call to a function starts one more process of it.
_AT_A_TIME = 2

type Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Loaded:
    products: int
    variants: int
    customers: int
    first_customer_id: str


@dataclass(frozen=True, slots=True)
class Loader:
    """Loads through the API at ``url`` with the owner's ``key``."""

    url: str
    key: str

    def load(self, progress: Progress = lambda _done, _total: None) -> Loaded:
        """Load everything; ``progress`` is told how many rows of how many are done.

        Raises:
            StackError: the API refused a row; with its answer.
        """
        products, customers = list(demo_catalogue.products()), list(demo_catalogue.customers())
        total = len(products) * 2 + len(customers)
        done = 0

        def each(work: Callable[[Any], dict[str, Any]], rows: Iterable[Any]) -> list[dict[str, Any]]:
            nonlocal done
            with ThreadPoolExecutor(_AT_A_TIME) as pool:
                tasks = [pool.submit(work, row) for row in rows]
                for _ in as_completed(tasks):
                    done += 1
                    progress(done, total)
                return [task.result() for task in tasks]

        customers_made = each(self._customer, customers)
        products_made = each(self._product, products)
        each(self._restock, products_made)
        return Loaded(
            products=len(products_made),
            variants=sum(len(product["variants"]) for product in products_made),
            customers=len(customers_made),
            first_customer_id=str(customers_made[0]["id"]),
        )

    def _product(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._create("/v2/products", body, known_as=body["sku"])

    def _customer(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._create("/v2/customers", body, known_as=body["email"])

    def _restock(self, product: dict[str, Any]) -> dict[str, Any]:
        """Put the first three variants of a product into the second warehouse too."""
        for index, variant in enumerate(product["variants"][:3]):
            body = {
                "quantity": demo_catalogue.units(product["sku"], 100 + index),
                "reason": "restock",
                "location": SECOND_WAREHOUSE,
                "variant_id": variant["id"],
            }
            self._post(f"/v2/inventory/{product['id']}/adjust", body, key=f"restock-{variant['id']}")
        if not any(variant["attributes"] for variant in product["variants"]):
            # A product without variants got no first stock when it was created.
            body = {"quantity": demo_catalogue.units(product["sku"], 0), "reason": "restock", "location": "wh_001"}
            self._post(f"/v2/inventory/{product['id']}/adjust", body, key=f"first-{product['id']}")
        return product

    def _create(self, path: str, body: dict[str, Any], *, known_as: str) -> dict[str, Any]:
        return self._post(path, body, key=f"create-{known_as}")

    def _post(self, path: str, body: dict[str, Any], *, key: str) -> dict[str, Any]:
        answer = call(self.url, "POST", path, self.key, json=body, headers={"Idempotency-Key": f"demo-{key}"})
        if answer.status_code != 201:
            raise StackError(f"Demo data: POST {path} answered {answer.status_code}: {answer.text[:400]}")
        made: dict[str, Any] = answer.json()
        return made
