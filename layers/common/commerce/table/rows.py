"""The base of all rows: keys, three overloaded indexes, time to live, and the connection they share."""

import json
import os
from datetime import datetime
from typing import Any, ClassVar

from pynamodb.attributes import Attribute, DiscriminatorAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.connection.table import TableConnection
from pynamodb.constants import STRING
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from commerce.kernel import wire_json
from commerce.kernel.clock import parse, sortable


class DocumentAttribute(Attribute[Any]):
    """A nested document (lines, variants, addresses) as JSON text.

    Conditions and filters never look inside it, and text costs a fraction of nested maps to read and write.
    """

    attr_type = STRING

    def serialize(self, value: Any) -> str:
        return wire_json.dumps(value)

    def deserialize(self, value: str) -> Any:
        return wire_json.loads(value)


class InstantAttribute(Attribute[datetime]):
    """An instant as sortable RFC 3339 text in UTC."""

    attr_type = STRING

    def serialize(self, value: datetime) -> str:
        return sortable(value)

    def deserialize(self, value: str) -> datetime:
        return parse(value)


class WordsAttribute(Attribute[list[str]]):
    """A list of words as JSON text."""

    attr_type = STRING

    def serialize(self, value: list[str]) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def deserialize(self, value: str) -> list[str]:
        return list(json.loads(value))


class _Index1(GlobalSecondaryIndex["Row"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "gsi1"
        projection = AllProjection()

    gsi1pk = UnicodeAttribute(hash_key=True)
    gsi1sk = UnicodeAttribute(range_key=True)


class _Index2(GlobalSecondaryIndex["Row"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "gsi2"
        projection = AllProjection()

    gsi2pk = UnicodeAttribute(hash_key=True)
    gsi2sk = UnicodeAttribute(range_key=True)


class _Index3(GlobalSecondaryIndex["Row"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "gsi3"
        projection = AllProjection()

    gsi3pk = UnicodeAttribute(hash_key=True)
    gsi3sk = UnicodeAttribute(range_key=True)


class Row(Model):
    """Any row. Query mixed partitions through this class: a subclass query adds a filter on ``kind``."""

    class Meta:
        table_name = ""
        read_timeout_seconds = 5
        connect_timeout_seconds = 2
        max_retry_attempts = 2

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    kind = DiscriminatorAttribute()
    gsi1pk = UnicodeAttribute(null=True)
    gsi1sk = UnicodeAttribute(null=True)
    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)
    gsi3pk = UnicodeAttribute(null=True)
    gsi3sk = UnicodeAttribute(null=True)
    ttl = NumberAttribute(null=True)  # Unix seconds
    counted_in = WordsAttribute(
        null=True
    )  # "<collection>|<name>" or "<collection>|<name>=<amount>": the counters it adds to
    cause = DocumentAttribute(null=True)  # who wrote it last; on audited rows

    audited: ClassVar[str] = ""  # what the audit log calls rows of this class; empty: they are not audited

    gsi1 = _Index1()
    gsi2 = _Index2()
    gsi3 = _Index3()

    @classmethod
    def _get_connection(cls) -> TableConnection:
        """One connection, so one botocore client, for all row classes; its table is read when first used."""
        Row.Meta.table_name = os.environ["TABLE_NAME"]
        connection: TableConnection = Model._get_connection.__func__(Row)  # type: ignore[attr-defined]
        return connection

    @classmethod
    def _instantiate(cls, attribute_values: dict[str, dict[str, Any]]) -> "Row":
        """Read an item as its own class, which must be ``cls`` or below it.

        pynamodb goes over all attributes of the class three times for this; going once over those that the item has
        takes half the time, and reading rows is most of what a list costs.
        """
        kind = cls._get_discriminator_class(attribute_values) or cls
        if not issubclass(kind, cls):
            raise ValueError(f"{kind.__name__} is not a {cls.__name__}")
        row: Row = kind.__new__(kind)
        row.attribute_values = {"kind": kind}
        attributes = kind.get_attributes()
        for name, value in attribute_values.items():
            attribute = attributes.get(name)
            if attribute is not None and name != "kind" and "NULL" not in value:
                row.attribute_values[name] = attribute.deserialize(attribute.get_value(value))
        return row


def connection() -> TableConnection:
    """The shared table connection, made at first use."""
    return Row._get_connection()
