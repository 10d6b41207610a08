"""Objects that other objects' requests name."""

from ..accounts import Account
from ..errors import no_such
from ..shapes import JsonObject


def customer_named(account: Account, customer_id: str) -> JsonObject:
    """Give a customer named by a parameter; raise a 400 for one that is unknown or deleted."""
    customer = account.get("customer", customer_id, param="customer", status=400)
    if customer.get("deleted"):
        raise no_such("customer", customer_id, param="customer", status=400)
    return customer
