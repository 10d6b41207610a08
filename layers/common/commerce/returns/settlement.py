"""Whether the money of a refunded return has arrived where it was sent."""

from commerce.kernel.caller import Tenant
from commerce.refunds import store as refunds
from commerce.refunds.records import RefundStatus
from commerce.returns.model import Return


def is_settled(tenant: Tenant, ret: Return) -> bool:
    """Whether nothing is on its way back any more; where nothing was left to give, that is so at once."""
    if ret.refund_id is None:
        return True
    refund = refunds.find(tenant, ret.order_id, ret.refund_id)
    return refund is not None and refund.status is RefundStatus.SUCCEEDED
