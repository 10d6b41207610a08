"""The sheet that documents are set on: text of any script that shops and their customers write in.

Latin, Greek, Cyrillic, Arabic, Hebrew, Devanagari, Thai and Georgian are set in one typeface, Chinese, Japanese and
Korean in another, which is read when a text needs it. Letters are joined, reordered and set from right to left as their
script asks. What neither has, an emoji say, prints as a box. The same text gives the same bytes.

Needs the documents layer.
"""

import unicodedata
from datetime import UTC, datetime

from fpdf import FPDF
from fpdf.fonts import TTFFont

import typefaces

TEXT, _CJK = "text", "cjk"
_CREATED = datetime(2000, 1, 1, tzinfo=UTC)  # any fixed one
_BOX = "□"
_NO_LETTERS = ("Mn", "Cf")  # what changes a letter that is not there either
_INVISIBLE = "\u200c\u200d\u200e\u200f"  # they change how letters join or run, and are no letters


class Sheet(FPDF):
    """Measures are millimetres; sizes of type are points."""

    def __init__(self, width: float, height: float, margin: float, title: str) -> None:
        super().__init__(unit="mm", format=(width, height))
        self.set_creation_date(_CREATED)
        self.set_title(title)
        self.set_margin(margin)
        self.c_margin = 0.0
        self.str_alias_nb_pages = ""  # a product may be called "{nb}"
        self.add_font(TEXT, "", typefaces.REGULAR)
        self.add_font(TEXT, "B", typefaces.BOLD)
        self.set_text_shaping(True)

    def plain(self, text: str) -> str:
        """``text`` on one line, without what does not print and with a box for what cannot be printed."""
        composed = unicodedata.normalize("NFC", " ".join(text.split()))
        return "".join(map(self._printed, composed))

    def _printed(self, character: str) -> str:
        if not character.isprintable() and character not in _INVISIBLE:
            return ""
        if self._has(TEXT, character):
            return character
        if unicodedata.category(character) in _NO_LETTERS:
            return ""
        if _CJK not in self.fonts:
            self.add_font(_CJK, "", typefaces.CJK)
            self.set_fallback_fonts([_CJK], exact_match=False)
        return character if self._has(_CJK, character) else _BOX

    def _has(self, font: str, character: str) -> bool:
        known = self.fonts[font]
        return isinstance(known, TTFFont) and ord(character) in known.cmap
