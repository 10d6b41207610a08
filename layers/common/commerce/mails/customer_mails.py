"""Mailing customers what they are to be told: each notice once, however often it is delivered (contract PM-21).

The mail is claimed before it is sent. Where SES said no, the claim is given up and the queue tries again. Where nobody
knows whether it was sent, because the process died or the answer was lost, it is not sent again: a customer who hears
nothing looks at the order, one who hears twice doubts the shop.
"""

from datetime import timedelta

from commerce.kernel import clock
from commerce.kernel.cause import Cause
from commerce.kernel.errors import Conflict, NotFound, Unavailable
from commerce.mails import ses, store
from commerce.mails.customer_letters import Outdated, compose
from commerce.mails.model import Refused
from commerce.mails.notices import Notice
from commerce.mails.store import MailState
from commerce.observability import count_event, logger
from commerce.orders import store as orders
from commerce.table.transaction import run

_SENDER = Cause("system:mailer")
LEASE = timedelta(minutes=5)  # longer than the function may take, shorter than the queue waits to try again


def deliver(notice: Notice) -> MailState:
    """Mail a notice, unless somebody has; give what became of the mail.

    Raises:
        NotFound: no such order, or what the notice is about is not there.
        Conflict: somebody else is at it, or died at it a short while ago.
        Unavailable: no mail can be sent, or nothing can be read or written, for now.
    """
    order = orders.find(notice.tenant, notice.order_id)
    if order is None:
        raise NotFound("order")
    try:
        mail = compose(notice, order)
    except Outdated:
        return MailState.OUTDATED
    except Refused:
        return MailState.REFUSED
    try:
        run(lambda tx: store.claim(tx, notice, clock.now()), _SENDER)
    except store.Claimed:
        return _earlier(notice)
    try:
        ses.send(mail)
    except Refused:
        return _settle(notice, MailState.REFUSED)
    except ses.Unanswered:
        return _settle(notice, MailState.UNKNOWN)
    except Unavailable:
        run(lambda tx: store.abandon(tx, notice), _SENDER)
        raise
    return _settle(notice, MailState.SENT)


def _earlier(notice: Notice) -> MailState:
    """What became of a mail that was claimed before."""
    claim = store.find(notice)
    if claim is None or (claim.state is MailState.SENDING and clock.now() < claim.at + LEASE):
        raise Conflict("This mail is being sent", reason="mail_in_flight")
    if claim.state is MailState.SENDING:
        return _settle(notice, MailState.UNKNOWN)
    return claim.state


def _settle(notice: Notice, state: MailState) -> MailState:
    run(lambda tx: store.settle(tx, notice, state), _SENDER)
    if state is MailState.UNKNOWN:
        count_event("CustomerMailsUnknown")
        logger.warning("nobody knows whether a mail was sent", notice=str(notice.kind), subject_id=notice.subject_id)
    return state
