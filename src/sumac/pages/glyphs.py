"""The letters of a PDF: DejaVu Sans travels with us, Chinese, Japanese and Korean use the readers' own standard fonts.

DejaVu Sans covers Latin, Greek, Cyrillic, Hebrew, Arabic and every currency sign we print; only the letters that are
used are embedded. The fonts of the East Asian scripts are far too large to carry; PDF readers bring the four that are
named here, or take another one of the script.
"""

from collections.abc import Iterator
from importlib.resources import as_file, files
from itertools import groupby
from xml.sax.saxutils import escape

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

from sumac.pages.bidi import visual_order

REGULAR, BOLD = "DejaVuSans", "DejaVuSans-Bold"
JAPANESE, KOREAN, CHINESE = "HeiseiKakuGo-W5", "HYGothic-Medium", "STSong-Light"
KANA, HANGUL, HAN = (0x3040, 0x30FF), (0xAC00, 0xD7AF), (0x3000, 0x9FFF)
LAST_CODE = 0xFFFF  # beyond it the library writes text that cannot be copied out of the document
MISSING = "\N{WHITE SQUARE}"


def register_fonts() -> None:
    """Makes the fonts known to the library; the later calls do nothing."""
    if REGULAR in pdfmetrics.getRegisteredFontNames():
        return
    for name in (REGULAR, BOLD):
        with as_file(files("sumac.pages").joinpath(f"fonts/{name}.ttf")) as path:
            pdfmetrics.registerFont(TTFont(name, str(path)))
    for name in (JAPANESE, KOREAN, CHINESE):
        pdfmetrics.registerFont(UnicodeCIDFont(name))


def marked_up(text: str) -> str:
    """Text from outside as paragraph markup, each part in a font that has its letters; nothing in it acts as markup."""
    return "<br/>".join("".join(_runs(visual_order(line))) for line in text.splitlines())


def _runs(line: str) -> Iterator[str]:
    east_asian = _east_asian_font(line)
    for is_east_asian, run in groupby(line, _is_east_asian):
        letters = "".join(run)
        if is_east_asian:
            yield f'<font name="{east_asian}">{escape(letters)}</font>'
        else:
            yield escape("".join(letter if _is_printable(letter) else MISSING for letter in letters))


def _is_east_asian(letter: str) -> bool:
    return _within(letter, HAN) or _within(letter, HANGUL)


def _east_asian_font(line: str) -> str:
    """By the letters that only one of the languages has; Han letters alone are taken for Chinese."""
    if any(_within(letter, KANA) for letter in line):
        return JAPANESE
    return KOREAN if any(_within(letter, HANGUL) for letter in line) else CHINESE


def _within(letter: str, block: tuple[int, int]) -> bool:
    return block[0] <= ord(letter) <= block[1]


def _is_printable(letter: str) -> bool:
    register_fonts()
    font = pdfmetrics.getFont(REGULAR)
    return isinstance(font, TTFont) and ord(letter) <= LAST_CODE and ord(letter) in font.face.charToGlyph
