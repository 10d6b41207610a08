"""A shop's logo, made harmless before it is kept: what was sent is decoded, made small, and written anew as a PNG.

Needs the documents layer.
"""

from io import BytesIO
from warnings import catch_warnings, simplefilter

from PIL import Image

from commerce.kernel.errors import Invalid

_MOST = (1200, 400)  # pixels: 300 dots per inch in the place that documents have for it
_MAX_SENT_PIXELS = 16_000_000


def clean(sent: bytes) -> bytes:
    """The picture as a PNG of at most 1200 × 400 pixels, without anything else that came with it.

    Raises:
        Invalid: it is no PNG or JPEG that can be read, or has more than 16 million pixels.
    """
    try:
        with catch_warnings():
            simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(sent), formats=("PNG", "JPEG")) as picture:
                if picture.width * picture.height > _MAX_SENT_PIXELS:
                    raise _refused()
                small = picture.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _refused() from None
    small.thumbnail(_MOST)
    written = BytesIO()
    small.save(written, "PNG", optimize=True)
    return written.getvalue()


def _refused() -> Invalid:
    return Invalid("A logo is a PNG or JPEG of at most 16 million pixels", field="documents.logo", reason="bad_logo")
