"""A file sent in form data (RFC 7578), for routes that take ``upload``.

It becomes what the same route takes as JSON when it only announces a file: its name, its type and its size, and the
other parts of the form by their names. So one contract says what may be sent, whichever way it comes.
"""

from io import BytesIO
from typing import Any

from multipart import MultipartError, MultipartParser, parse_options_header

from commerce.kernel.errors import Malformed, TooLarge

CONTENT_TYPE = "multipart/form-data"
FILE_PART = "file"
TOLD_BY_FILE = ("filename", "content_type", "size")
# Lambda takes 6 MB (6,291,456 bytes) with everything around the body, and API Gateway hands a binary body over in
# base64: four bytes for three. So much form data fits beside headers and credentials.
MAX_FORM_BYTES = 4_500_000
_MAX_PARTS = 16
_MAX_FIELD_BYTES = 20_000


def is_form_data(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == CONTENT_TYPE


def read(content_type: str, body: bytes) -> tuple[dict[str, Any], bytes]:
    """The fields of a form with one file, those that tell of the file among them; and the file's bytes.

    Raises:
        TooLarge: more form data than a function is handed.
        Malformed: it is no form data, has a part twice, or not exactly one file.
    """
    if len(body) > MAX_FORM_BYTES:
        raise TooLarge(
            f"Form data has at most {MAX_FORM_BYTES} bytes; announce a larger file as JSON, and upload it to where "
            "the answer says",
            field="body",
            reason="body_too_large",
        )
    fields: dict[str, Any] = {}
    file = None
    for part in _parts(content_type, body):
        if part.name in fields or (file is not None and part.name == FILE_PART):
            raise _malformed("A part is sent twice")
        if part.name == FILE_PART and part.filename is not None:
            file = part
        else:
            fields[part.name] = _text(part)
    if file is None:
        raise _malformed(f"Send one file, as the part {FILE_PART!r}")
    told = dict(zip(TOLD_BY_FILE, (file.filename, file.content_type, file.size), strict=True))
    if told.keys() & fields.keys():
        raise _malformed("A file's name, type and size are told by its own part")
    return fields | told, file.raw


def _parts(content_type: str, body: bytes) -> list[Any]:
    _, options = parse_options_header(content_type)
    try:
        parts: list[Any] = MultipartParser(
            BytesIO(body),
            options.get("boundary", ""),
            content_length=len(body),
            strict=True,
            part_limit=_MAX_PARTS,
            spool_limit=MAX_FORM_BYTES,  # all of it is in memory already: nothing goes to a disk
            memory_limit=MAX_FORM_BYTES,
        ).parts()
    except (MultipartError, LookupError, UnicodeError) as error:
        raise _malformed("The body is not well-formed form data") from error
    return parts


def _text(part: Any) -> str:
    if part.size > _MAX_FIELD_BYTES:
        raise _malformed(f"A field has at most {_MAX_FIELD_BYTES} bytes")
    try:
        text: str = part.raw.decode()
    except UnicodeDecodeError:
        raise _malformed("Fields are UTF-8") from None
    return text


def _malformed(message: str) -> Malformed:
    return Malformed(message, field="body", reason="malformed_form_data")
