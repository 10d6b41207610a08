"""From documents to what their readers get: a page at once, and a link to the PDF.

Needs the documents layer.
"""

from commerce.documents import files, html
from commerce.documents.files import Published
from commerce.documents.model import Document, PickList
from commerce.kernel.caller import Tenant
from commerce.kernel.errors import Invalid

_MAX_PAGE = 4_000_000  # characters: what a function answers is limited to 6 MB


def page(tenant: Tenant, documents: tuple[Document, ...]) -> str:
    """The documents as one page.

    Raises:
        Invalid: it is too long for an answer.
    """
    text = html.render(documents, files.find_logo(tenant, documents[0].sender.logo))
    if len(text.encode()) > _MAX_PAGE:
        raise Invalid("This is too much for one answer; ask for fewer orders", field="order_ids", reason="too_large")
    return text


def pick_list_id(pick_list: PickList) -> str:
    """The same list has the same id."""
    return f"picklist_{files.digest_of((pick_list,))[:16]}"


def publish(tenant: Tenant, documents: tuple[Document, ...], name: str, base_url: str) -> Published:
    """A link to the documents as one PDF, which is called after ``name`` and, where there are several, their number."""
    several = f"_and_{len(documents) - 1}_more" if len(documents) > 1 else ""
    return files.publish(tenant, documents, f"{name}{several}.pdf", base_url)
