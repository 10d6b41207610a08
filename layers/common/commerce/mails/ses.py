"""The mail service, SES. No other code talks to it."""

import os
from email.header import Header
from email.utils import formataddr
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from commerce.kernel.aws import client
from commerce.kernel.errors import Unavailable
from commerce.mails.model import Mail, Refused
from commerce.observability import logger

# What SES says of a mail that it will not take later either.
_REFUSALS = frozenset({"BadRequestException", "MessageRejected"})
_SERVER_ERROR = 500


class Unanswered(Unavailable):
    """SES was asked and did not say: the mail may have been sent."""


def send(mail: Mail) -> None:
    """Hand a mail over to SES, which delivers it or bounces it later.

    Raises:
        Refused: SES does not take mails to this address.
        Unavailable: SES is away, has enough mails for now, or does not let the stack send; a queue tries again.
        Unanswered: the answer was lost, so that trying again may mean a second mail.
    """
    try:
        client("sesv2").send_email(**_request(mail, os.environ["MAIL_FROM"]))
    except ClientError as error:
        code = error.response["Error"]["Code"]
        logger.warning("mail not taken", code=code)
        if code in _REFUSALS and not _is_about_the_sender(error):
            raise Refused from None  # what SES says may name the recipient
        raise (Unanswered if _may_have_sent(error) else Unavailable) from None
    except BotoCoreError as error:
        logger.warning("mail service is away", error=type(error).__name__)
        raise (Unanswered if isinstance(error, HTTPClientError) else Unavailable) from None


def _request(mail: Mail, address: str) -> dict[str, Any]:
    def text(data: str) -> dict[str, str]:
        return {"Data": data, "Charset": "UTF-8"}

    content = {"Subject": text(mail.subject), "Body": {"Text": text(mail.text), "Html": text(mail.html)}}
    attached = [
        {"FileName": each.name, "ContentType": each.content_type, "RawContent": each.content}
        for each in mail.attachments
    ]
    return {
        "FromEmailAddress": _from(mail.sender_name, address),
        "Destination": {"ToAddresses": [mail.to]},
        "ReplyToAddresses": [mail.reply_to] if mail.reply_to else [],
        "Content": {"Simple": content | ({"Attachments": attached} if attached else {})},
    }


def _from(name: str | None, address: str) -> str:
    """``Harbor & Pine <no-reply@example.com>``, as a header holds it (RFC 5322, RFC 2047)."""
    if name is None or name.isascii():
        return formataddr((name, address))
    return f"{Header(name, 'utf-8').encode(linesep='')} <{address}>"


def _may_have_sent(error: ClientError) -> bool:
    """Whether SES failed at it, rather than saying no."""
    status: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status == _SERVER_ERROR


def _is_about_the_sender(error: ClientError) -> bool:
    """Whether it is our own address that SES does not know: no recipient's fault, and cured by verifying it."""
    return os.environ["MAIL_FROM"] in error.response["Error"].get("Message", "")
