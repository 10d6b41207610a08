"""What a file is, by its content alone.

Of the few types that are taken the first bytes tell each, so a table of them is all there is; what it does not name is
not taken. Nothing is decompressed: of Office files, which are zip archives, only the directory is read.
"""

import re
import zipfile
from io import BytesIO

from commerce.attachments.model import FileType

_BEGINNINGS: dict[bytes, FileType] = {
    b"\x89PNG\r\n\x1a\n": FileType.PNG,
    b"\xff\xd8\xff": FileType.JPEG,
    b"GIF87a": FileType.GIF,
    b"GIF89a": FileType.GIF,
    b"%PDF-": FileType.PDF,
}
_ZIP, _ZIP_ENTRY = b"PK\x03\x04", b"PK\x01\x02"
_MAX_ENTRIES = 2_000
_MAX_UNPACKED_BYTES = 200_000_000
_MAX_RATIO = 200  # of unpacked to packed bytes; an Office file's XML reaches 20 to 50
_OFFICE = {"word/document.xml": FileType.WORD, "xl/workbook.xml": FileType.EXCEL}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_PAGE = re.compile(r"\s*(<!doctype|<html|<svg|<\?xml|<script|<head|<body|#!)", re.IGNORECASE)


def recognise(content: bytes) -> FileType | None:
    """The type of a file; None for what is none of those that are taken, or is made to do harm."""
    if content.startswith(_ZIP):
        return _office_file(content)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return FileType.WEBP
    known = next((kind for beginning, kind in _BEGINNINGS.items() if content.startswith(beginning)), None)
    return known or (FileType.TEXT if _is_text(content) else None)


def _office_file(content: bytes) -> FileType | None:
    """A Word or Excel file without macros, whose parts would not fill a disk when somebody opens it."""
    if content.count(_ZIP_ENTRY) > _MAX_ENTRIES:
        return None
    try:
        entries = zipfile.ZipFile(BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return None
    unpacked = sum(entry.file_size for entry in entries)
    names = {entry.filename for entry in entries}
    if unpacked > min(_MAX_UNPACKED_BYTES, _MAX_RATIO * len(content)) or "[Content_Types].xml" not in names:
        return None
    if any(entry.flag_bits & 1 or _leads_out(entry.filename) or _runs(entry.filename) for entry in entries):
        return None
    return next((kind for part, kind in _OFFICE.items() if part in names), None)


def _leads_out(name: str) -> bool:
    return name.startswith("/") or "\\" in name or ".." in name.split("/")


def _runs(name: str) -> bool:
    """Whether a part of an Office file is a program: macros, embedded objects, controls; not printers' settings."""
    part = name.lower().rpartition("/")[2]
    return part.endswith((".bin", ".exe", ".dll", ".js", ".vbs")) and not part.startswith("printersettings")


def _is_text(content: bytes) -> bool:
    """UTF-8 without control characters, and not the beginning of a page or of a script."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return bool(text) and _CONTROL.search(text) is None and _PAGE.match(text) is None
