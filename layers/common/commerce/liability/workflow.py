"""Starting the state machine that closes a day. No other code of this context talks to Step Functions."""

import os
from datetime import date

from botocore.exceptions import ClientError

from commerce.kernel import wire_json
from commerce.kernel.aws import client
from commerce.kernel.caller import Tenant


def start(tenant: Tenant, day: date, attempt: str) -> bool:
    """Have a day closed. The same attempt runs once: False says that it did before."""
    try:
        client("stepfunctions").start_execution(
            stateMachineArn=os.environ["LIABILITY_WORKFLOW"],
            name=f"{tenant.tenant_id}-{tenant.mode}-{day}-{attempt}",  # at most 80 characters: 40 + 1 + 4 + 12 + 17
            input=wire_json.dumps({"tenant_id": tenant.tenant_id, "mode": str(tenant.mode), "day": day.isoformat()}),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise
        return False
    return True
