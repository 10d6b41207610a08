"""Workflows of returns in the table (patterns V7, V8)."""

from datetime import datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from commerce.kernel.caller import Tenant
from commerce.kernel.errors import NotFound, StaleWrite
from commerce.returns.model import ReturnStatus
from commerce.returns.workflow_model import LabelOutcome, ReturnWorkflow, Waiting
from commerce.table import keys, reading
from commerce.table.reading import get
from commerce.table.rows import DocumentAttribute, InstantAttribute, Row
from commerce.table.transaction import Transaction


class ReturnWorkflowRow(Row, discriminator="return_workflow"):
    return_id = UnicodeAttribute()
    begun_at = InstantAttribute()
    look_at = InstantAttribute(null=True)
    generation = NumberAttribute()
    started = NumberAttribute()
    waiting = DocumentAttribute(null=True)
    label = UnicodeAttribute(null=True)
    version = NumberAttribute()

    def to_workflow(self) -> ReturnWorkflow:
        return ReturnWorkflow(
            return_id=self.return_id,
            begun_at=self.begun_at,
            look_at=self.look_at,
            generation=int(self.generation),
            started=int(self.started),
            waiting=_waiting(*self.waiting) if self.waiting else None,
            label=LabelOutcome(self.label) if self.label else None,
            version=int(self.version),
        )


def add(tx: Transaction, tenant: Tenant, return_id: str, now: datetime) -> None:
    """Let a new return have a workflow, which is started once its event arrives, or a little later without (V7)."""
    tx.add(_row(tenant, ReturnWorkflow.of(return_id, now)), StaleWrite("return's workflow"))


def save(tx: Transaction, tenant: Tenant, workflow: ReturnWorkflow) -> None:
    """Write a workflow one version on (V7).

    Raises (at commit):
        StaleWrite: somebody else wrote it since it was read.
    """
    before = ReturnWorkflowRow.version == workflow.version - 1
    tx.put(_row(tenant, workflow), before, StaleWrite("return's workflow"))


def find(tenant: Tenant, return_id: str) -> ReturnWorkflow | None:
    """The workflow of a return (V7)."""
    row = get(keys.return_workflow(tenant, return_id))
    return row.to_workflow() if isinstance(row, ReturnWorkflowRow) else None


def get_by_return(tenant: Tenant, return_id: str) -> ReturnWorkflow:
    """The workflow of a return (V7).

    Raises:
        NotFound: no such return.
    """
    workflow = find(tenant, return_id)
    if workflow is None:
        raise NotFound("return")
    return workflow


def due(now: datetime, limit: int) -> list[tuple[Tenant, str]]:
    """Tenant (without its settings) and id of returns whose workflow is to be looked after (V8)."""
    rows = reading.due(keys.due_return_workflows, now, limit, index="gsi3")
    return [(keys.tenant_of(row.pk), row.return_id) for row in rows if isinstance(row, ReturnWorkflowRow)]


def _row(tenant: Tenant, workflow: ReturnWorkflow) -> ReturnWorkflowRow:
    waiting = workflow.waiting
    row = ReturnWorkflowRow(
        *keys.return_workflow(tenant, workflow.return_id),
        return_id=workflow.return_id,
        begun_at=workflow.begun_at,
        look_at=workflow.look_at,
        generation=workflow.generation,
        started=workflow.started,
        waiting=[str(waiting.status), waiting.token, waiting.since] if waiting else None,
        label=str(workflow.label) if workflow.label else None,
        version=workflow.version,
    )
    if workflow.look_at is not None:
        row.gsi3pk = keys.due_return_workflows(keys.expiry_shard(workflow.return_id))
        row.gsi3sk = keys.by_time(workflow.look_at, workflow.return_id)
    return row


def _waiting(status: str, token: str, since: str) -> Waiting:
    return Waiting(ReturnStatus(status), token, since)
