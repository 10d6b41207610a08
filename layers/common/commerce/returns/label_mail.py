"""The label of an approved return goes to its customer, once (contract RT-03)."""

from commerce.access.queries import find_shop
from commerce.kernel.caller import Tenant
from commerce.kernel.cause import Cause
from commerce.kernel.errors import NotFound
from commerce.kernel.periods import day_of
from commerce.mails import ses
from commerce.mails.model import Refused
from commerce.mails.return_label import LabelLetter, compose
from commerce.orders import store as orders
from commerce.returns import labels, store, workflow_store
from commerce.returns.model import Return, ReturnStatus
from commerce.returns.workflow_model import LabelOutcome
from commerce.table.transaction import Transaction, run


def deliver(tenant: Tenant, return_id: str) -> LabelOutcome:
    """Mail the label, unless that was done or the return waits for no parcel any more.

    A process that dies after sending it and before saying so sends it again: the same label with the same number.

    Raises:
        NotFound: no such return.
        Unavailable: nothing can be mailed, read or written now.
    """
    workflow, ret = workflow_store.get_by_return(tenant, return_id), store.find(tenant, return_id)
    if ret is None:
        raise NotFound("return")
    if workflow.label is not None:
        return workflow.label
    outcome = _mail(tenant, ret) if ret.status is ReturnStatus.APPROVED else LabelOutcome.NOT_NEEDED
    run(lambda tx: _record(tx, tenant, return_id, outcome), Cause("system:mailer"))
    return outcome


def _mail(tenant: Tenant, ret: Return) -> LabelOutcome:
    order = orders.find(tenant, ret.order_id)
    assert order is not None
    names = {line.line_id: line.name for line in order.lines}
    letter = LabelLetter(
        recipient=order.buyer.email,
        shop=find_shop(tenant.tenant_id),
        rma_number=ret.rma_number,
        order_id=ret.order_id,
        items=tuple((names[item.line_id], item.quantity) for item in ret.items),
        send_by=day_of(ret.deadline, tenant.timezone) if ret.deadline else None,
        label=labels.read(tenant, ret.return_id),
    )
    try:
        ses.send(compose(letter))
    except Refused:
        return LabelOutcome.REFUSED
    return LabelOutcome.MAILED


def _record(tx: Transaction, tenant: Tenant, return_id: str, outcome: LabelOutcome) -> None:
    workflow = workflow_store.get_by_return(tenant, return_id)
    if workflow.label is None:
        workflow_store.save(tx, tenant, workflow.changed(label=outcome))
