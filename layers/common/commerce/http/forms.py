"""Parameters in form encoding, in a query or a body: how OAuth speaks (RFC 6749, appendix B)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from pydantic import BaseModel, ConfigDict, ValidationError

from commerce.kernel.errors import Malformed

CONTENT_TYPE = "application/x-www-form-urlencoded"


class Form(BaseModel):
    """What a client sends: texts. Parameters that it does not name are ignored, as section 3.1 asks for."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


def read[F: Form](kind: type[F], parameters: Mapping[str, list[str]]) -> F:
    """The parameters as a form.

    Raises:
        Malformed: one of its own is sent twice, or is too long.
    """
    own = {name: values for name, values in parameters.items() if name in kind.model_fields}
    for name, values in own.items():
        if len(values) > 1:
            raise Malformed(f"{name} is sent twice", field=name, reason="invalid_request")
    values_of: dict[str, Any] = {name: values[0] for name, values in own.items()}
    try:
        return kind.model_validate(values_of)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        raise Malformed(f"{name} cannot be that", field=name, reason="invalid_request") from None


def parse(body: bytes) -> dict[str, list[str]]:
    """A body in form encoding.

    Raises:
        Malformed: it is not UTF-8, or holds more parameters than any form.
    """
    try:
        return parse_qs(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError:
        raise Malformed("The body is not in form encoding", field="body", reason="invalid_request") from None
