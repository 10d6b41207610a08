"""Documents as files in S3, and the links to them (contract PK-04). No other code of this context talks to it.

What a document says is written when somebody asks for it, under a name that its own text gives it; its PDF is printed
when somebody downloads it first. A link is signed, names its tenant and ends; both files go after two days, and come
back when they are asked for again.
"""

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from commerce.documents import contents
from commerce.documents.model import Document
from commerce.kernel import clock, downloads, paging
from commerce.kernel.aws import client
from commerce.kernel.caller import Mode, Tenant
from commerce.kernel.errors import Malformed, NotFound, Unavailable

_ABSENT = frozenset({"404", "NoSuchKey", "403", "AccessDenied"})  # who may not list a bucket is told no more


@dataclass(frozen=True, slots=True)
class Published:
    """A document that can be downloaded until ``expires_at`` at least; ``digest`` is what it is known by."""

    digest: str
    url: str
    expires_at: datetime


def digest_of(documents: tuple[Document, ...]) -> str:
    """Equal documents have the same."""
    return hashlib.sha256(contents.write(documents).encode()).hexdigest()


def publish(tenant: Tenant, documents: tuple[Document, ...], name: str, base_url: str) -> Published:
    """Let whoever has the link download the documents as one PDF, called ``name``; ``base_url`` is where the API is.

    Raises:
        Unavailable: they cannot be stored now.
    """
    digest, until = digest_of(documents), downloads.links_expire_at()
    _put(_key(tenant, f"{digest}.json"), contents.write(documents).encode(), "application/json")
    claims = {
        "tenant": tenant.tenant_id,
        "mode": str(tenant.mode),
        "digest": digest,
        "until": str(int(until.timestamp())),
    }
    token = paging.sign(claims, scope=_scope(name))
    return Published(digest, f"{base_url}/files/{name}?token={token}", until)


def open_link(name: str, token: str) -> str:
    """Where the PDF that a link is for stands; it is printed now where nobody has downloaded it before.

    Raises:
        NotFound: not a link of ours, or one that has ended.
        Unavailable: the files are away.
    """
    try:
        claims = paging.verify(token, scope=_scope(name))
    except Malformed:
        raise NotFound("file") from None
    if int(claims["until"]) <= clock.now().timestamp():
        raise NotFound("file")
    tenant = Tenant(claims["tenant"], Mode(claims["mode"]))
    key = _key(tenant, f"{claims['digest']}.pdf")
    if not _exists(key):
        text = _get(_key(tenant, f"{claims['digest']}.json"))
        if text is None:
            raise NotFound("file")
        _put(key, _printed(tenant, contents.read(text)), "application/pdf")
    return downloads.link(key, name)


def save_logo(tenant: Tenant, picture: bytes) -> str:
    """Keep a shop's logo; give its name, by which documents find it.

    Raises:
        Unavailable: it cannot be stored now.
    """
    name = hashlib.sha256(picture).hexdigest()
    _put(_logo_key(tenant, name), picture, "image/png")
    return name


def find_logo(tenant: Tenant, name: str | None) -> bytes | None:
    """A shop's logo as a PNG; None for a shop without."""
    return None if name is None else _get(_logo_key(tenant, name))


def _printed(tenant: Tenant, documents: tuple[Document, ...]) -> bytes:
    from commerce.documents.pdf import render  # and with it all of PDF, for a function that prints

    return render(documents, find_logo(tenant, documents[0].sender.logo))


def _scope(name: str) -> str:
    return f"file\0{name}"


def _key(tenant: Tenant, name: str) -> str:
    return f"documents/{tenant.tenant_id}/{tenant.mode}/{name}"


def _logo_key(tenant: Tenant, name: str) -> str:
    return f"logos/{tenant.tenant_id}/{name}.png"


def _exists(key: str) -> bool:
    return _found(lambda: _s3().head_object(Bucket=os.environ["FILES_BUCKET"], Key=key)) is not None


def _get(key: str) -> bytes | None:
    answer = _found(lambda: _s3().get_object(Bucket=os.environ["FILES_BUCKET"], Key=key)["Body"].read())
    return None if answer is None else bytes(answer)


def _found(call: Any) -> Any:
    try:
        return call()
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return None
        raise Unavailable from error
    except BotoCoreError as error:
        raise Unavailable from error


def _put(key: str, body: bytes, content_type: str) -> None:
    try:
        _s3().put_object(Bucket=os.environ["FILES_BUCKET"], Key=key, Body=body, ContentType=content_type)
    except (BotoCoreError, ClientError) as error:
        raise Unavailable from error


def _s3() -> Any:
    return client("s3")
