"""The typefaces of printed documents, as files.

FiraGO sets Latin, Greek, Cyrillic, Arabic, Hebrew, Devanagari, Thai and Georgian (SIL Open Font License 1.1, OFL.txt).
WenQuanYi Micro Hei sets Chinese, Japanese and Korean (Apache License 2.0, Apache-2.0.txt). Both are as their makers
publish them.
"""

from pathlib import Path

_HERE = Path(__file__).parent

REGULAR = _HERE / "FiraGO-Regular.ttf"
BOLD = _HERE / "FiraGO-Bold.ttf"
CJK = _HERE / "wqy-microhei.ttc"
