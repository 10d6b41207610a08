"""What the tasks of the state machine hand each other: JSON that Step Functions keeps, so no person's data is in it."""

from collections.abc import Mapping
from typing import Any

from commerce.access.queries import find_tenant
from commerce.kernel.caller import Mode, Tenant
from commerce.kernel.clock import parse, sortable
from commerce.kernel.errors import NotFound
from commerce.liability.model import Account, Movement, Part, PartKind, PartResult, Slice

type Message = Mapping[str, Any]


def tenant_in(message: Message) -> Tenant:
    """The shop whose day is closed, with its settings.

    Raises:
        NotFound: no such tenant.
    """
    tenant = find_tenant(message["tenant_id"], Mode(message["mode"]))
    if tenant is None:
        raise NotFound("tenant")
    return tenant


def part_message(part: Part) -> dict[str, Any]:
    if part.slice is None:
        return {"kind": str(part.kind), "shard": part.shard}
    return {"kind": str(part.kind), "start": sortable(part.slice.start), "end": sortable(part.slice.end)}


def part_in(message: Message) -> Part:
    kind = PartKind(message["kind"])
    if kind is PartKind.ENTRIES:
        return Part(kind, shard=message["shard"])
    return Part(kind, slice=Slice(parse(message["start"]), parse(message["end"])))


def result_message(result: PartResult) -> dict[str, Any]:
    return {
        "key": result.key,
        "size": result.size,
        "entries": result.entries,
        "movements": [[*account, kind, *moved] for (account, kind), moved in (result.movements or {}).items()],
        "balances": [[*account, minor] for account, minor in (result.balances or {}).items()],
    }


def result_in(message: Message) -> PartResult:
    return PartResult(
        key=message["key"],
        size=message["size"],
        entries=message["entries"],
        movements={(Account(*own[:3]), own[3]): Movement(*own[4:]) for own in message["movements"]},
        balances={Account(*own[:3]): own[3] for own in message["balances"]},
    )
