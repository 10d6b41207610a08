"""What the workflow of a return does by itself. Each task may run again: what is done stays as it is."""

from commerce.kernel.caller import Tenant, system
from commerce.kernel.errors import Conflict, Invalid, NotFound, StaleWrite
from commerce.returns import store, use_cases
from commerce.returns.model import ReturnStatus
from commerce.returns.use_cases import RefundReturn
from commerce.table.transaction import Transaction, run

NAME = "return_workflow"  # under which it acts
REFUNDED, LEFT_TO_STAFF = "refunded", "left_to_staff"


def refund_received(tenant: Tenant, return_id: str) -> str:
    """Refund what came back, where the shop has decided so.

    Gives ``refunded``, ``left_to_staff``, or why it is refused: then it is the staff's to decide what becomes of it.

    Raises:
        NotFound: no such return.
        Unavailable, StaleWrite: not now.
    """
    if not tenant.returns.refunds_on_receipt:
        return LEFT_TO_STAFF
    caller = system(tenant, NAME)

    def plan(tx: Transaction) -> None:
        ret = store.find(tenant, return_id)
        if ret is None:
            raise NotFound("return")
        if ret.status is ReturnStatus.RECEIVED:
            use_cases.refund(tx, caller, RefundReturn(return_id))

    try:
        run(plan, caller.cause())
    except StaleWrite:
        raise
    except (Conflict, Invalid) as refusal:
        return refusal.reason
    return REFUNDED


def close(tenant: Tenant, return_id: str) -> ReturnStatus:
    """Close a return whose refund has succeeded; gives where the return stands.

    Raises:
        NotFound: no such return.
        IllegalMove: it is not refunded.
        Unavailable, StaleWrite: not now.
    """
    caller = system(tenant, NAME)
    return run(lambda tx: use_cases.close(tx, caller, return_id), caller.cause()).status
