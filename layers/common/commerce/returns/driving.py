"""Keeping the execution of a return's workflow where the return stands.

The table decides and the workflow follows. Whoever moves a return only tells of it; what is told arrives here, in any
order, late, twice or not at all. So nothing here looks at what was told: it looks at the return and at its workflow,
and does what is missing.
"""

from enum import StrEnum

from commerce.events import store as events
from commerce.events.model import DomainEvent
from commerce.kernel import clock, ids
from commerce.kernel.caller import Tenant
from commerce.kernel.cause import Cause
from commerce.kernel.errors import Conflict, NotFound
from commerce.returns import store, workflow_client, workflow_store
from commerce.returns.model import FINAL, Return, ReturnStatus
from commerce.returns.settlement import is_settled
from commerce.returns.workflow_model import ReturnWorkflow, Waiting, next_move
from commerce.table.transaction import Transaction, run

REDRIVE_REQUESTED = "return.redrive_requested"
_CAUSE = Cause("system:return_workflow")


class Driven(StrEnum):
    """What was missing."""

    STARTED = "started"
    ANSWERED = "answered"
    NOTHING = "nothing"


def drive(tenant: Tenant, return_id: str) -> Driven:
    """Start the execution that there should be, or tell it that the return has moved.

    Raises:
        NotFound: no such return.
        Unavailable: Step Functions or the table is away; trying again does no harm.
    """
    workflow = workflow_store.get_by_return(tenant, return_id)
    if not workflow.is_started:
        _start(tenant, workflow)
        return Driven.STARTED
    if workflow.waiting is not None and _answer(tenant, return_id, workflow.waiting):
        return Driven.ANSWERED
    return Driven.NOTHING


def wait(tenant: Tenant, return_id: str, generation: int, waiting: Waiting) -> Driven:
    """Note that a task waits, and tell it at once where the return has left that status already.

    A task of an execution that was replaced, and one that was tried again since, wait in vain: they are not noted.

    Raises:
        NotFound, Unavailable: as ``drive``.
    """
    if run(lambda tx: _note(tx, tenant, return_id, generation, waiting), _CAUSE):
        # Only now: a move after the note finds the token, a move before it is seen here.
        return Driven.ANSWERED if _answer(tenant, return_id, waiting) else Driven.NOTHING
    return Driven.NOTHING


def redrive(tx: Transaction, tenant: Tenant, return_id: str) -> ReturnWorkflow:
    """Have another execution take the place of the one there is; while that is still to be started, it is the same one.

    Raises:
        NotFound: no such return.
        Conflict: the return has ended.
    """
    ret, workflow = _return_of(tenant, return_id), workflow_store.get_by_return(tenant, return_id)
    if ret.status in FINAL:
        raise Conflict(f"A return that is {ret.status} has nothing left to do", field="status", reason="return_ended")
    if not workflow.is_started:
        return workflow
    again = workflow.again()
    workflow_store.save(tx, tenant, again)
    events.announce(
        tx,
        DomainEvent(
            event_id=ids.new("evt"),
            type=REDRIVE_REQUESTED,
            aggregate_id=f"{return_id}-workflow",
            sequence=again.generation - 1,
            at=clock.now(),
            tenant=tenant,
            data={"return_id": return_id, "generation": again.generation, "actor": tx.cause.actor},
        ),
    )
    return again


def look_after(tenant: Tenant, return_id: str) -> Driven:
    """Make up for events that got lost, and replace an execution that has ended or hangs.

    Raises:
        NotFound, Unavailable: as ``drive``.
    """
    driven = drive(tenant, return_id)
    if driven is Driven.NOTHING and _is_lost(tenant, return_id):
        run(lambda tx: redrive(tx, tenant, return_id), _CAUSE)
        driven = drive(tenant, return_id)
    run(lambda tx: _postpone(tx, tenant, return_id), _CAUSE)
    return driven


def _start(tenant: Tenant, workflow: ReturnWorkflow) -> None:
    if workflow.started:
        workflow_client.stop(workflow.name_of(workflow.started))
    workflow_client.start(workflow.execution, tenant, workflow.return_id, workflow.generation)
    run(lambda tx: _note_started(tx, tenant, workflow), _CAUSE)


def _note_started(tx: Transaction, tenant: Tenant, started: ReturnWorkflow) -> None:
    workflow = workflow_store.get_by_return(tenant, started.return_id)
    if workflow.started < started.generation:
        workflow_store.save(tx, tenant, workflow.changed(started=started.generation))


def _note(tx: Transaction, tenant: Tenant, return_id: str, generation: int, waiting: Waiting) -> bool:
    workflow = workflow_store.get_by_return(tenant, return_id)
    if workflow.generation != generation or (workflow.waiting and workflow.waiting.since > waiting.since):
        return False
    if workflow.waiting != waiting:
        workflow_store.save(tx, tenant, workflow.changed(waiting=waiting))
    return True


def _answer(tenant: Tenant, return_id: str, waiting: Waiting) -> bool:
    """Whether a task waited for what has happened. A token that nobody waits with any more is forgotten."""
    moved = _moved(tenant, return_id, waiting.status)
    if moved is None:
        return False
    if workflow_client.answer(waiting.token, moved):
        return True
    run(lambda tx: _forget(tx, tenant, return_id, waiting), _CAUSE)
    return False


def _moved(tenant: Tenant, return_id: str, left: ReturnStatus) -> ReturnStatus | None:
    """Where the return went from ``left``; None while it stays there."""
    ret = _return_of(tenant, return_id)
    if ret.status is ReturnStatus.REFUNDED and left is ReturnStatus.REFUNDED:
        return ReturnStatus.CLOSED if is_settled(tenant, ret) else None
    return next_move(left, ret.status)


def _forget(tx: Transaction, tenant: Tenant, return_id: str, waiting: Waiting) -> None:
    workflow = workflow_store.get_by_return(tenant, return_id)
    if workflow.waiting == waiting:
        workflow_store.save(tx, tenant, workflow.changed(waiting=None))


def _is_lost(tenant: Tenant, return_id: str) -> bool:
    """Whether nobody follows a return that has not ended."""
    ret, workflow = _return_of(tenant, return_id), workflow_store.get_by_return(tenant, return_id)
    if ret.status in FINAL:
        return False
    return not (workflow.follows(ret, clock.now()) and workflow_client.is_running(workflow.execution))


def _postpone(tx: Transaction, tenant: Tenant, return_id: str) -> None:
    ret, workflow = _return_of(tenant, return_id), workflow_store.get_by_return(tenant, return_id)
    workflow_store.save(tx, tenant, workflow.looked_after(ret, clock.now()))


def _return_of(tenant: Tenant, return_id: str) -> Return:
    ret = store.find(tenant, return_id)
    if ret is None:
        raise NotFound("return")
    return ret
