"""Text on a page: which characters the font has, what stands for those it lacks, where a line breaks.

Lengths are millimetres and sizes points, as floats: this is geometry, no amount passes through it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from fpdf import FPDF
from fpdf.fonts import TTFFont
from pylopdf_fonts_zh_cn import sans_path

FAMILY = "zh"

_WORD = re.compile(r"[!-~]+|[^!-~]", re.DOTALL)
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NOT_FIRST = frozenset("，。、；：！？）》」』】〕％…")  # never at the start of a line


class Typeface:
    """The one font of a page, Noto Sans SC, read from the package that carries it."""

    def __init__(self, pdf: FPDF) -> None:
        pdf.add_font(FAMILY, "", sans_path())
        pdf.set_font(FAMILY, size=10)
        font = pdf.fonts[FAMILY]
        assert isinstance(font, TTFFont), "a font from a file is never one of the built-in ones"
        self._pdf = pdf
        self._font = font
        self._glyphs = font.cmap
        self._advances: dict[str, float] = {}

    def close(self) -> None:
        """Close the font's file."""
        self._font.close()

    def shown(self, text: str) -> str:
        """The text as it is printed: a character without a glyph, or that nobody sees, becomes its name [U+1F600]."""
        return "".join(char if self._has(char) else f"[U+{ord(char):04X}]" for char in text)

    def width(self, text: str, size_pt: float) -> float:
        """Width in mm of a shown text."""
        return sum(self._advance(char) for char in text) * size_pt

    def wrap(self, text: str, width_mm: float, size_pt: float) -> list[str]:
        """Lines of a text, none wider than `width_mm`, which join to the shown text again. "" gives no line.

        Breaks before any Chinese character and between words; inside a word that is wider than the line.
        """
        lines: list[str] = []
        for paragraph in self.shown_lines(text):
            lines.extend(self._wrap_paragraph(paragraph, width_mm, size_pt))
        return lines

    def shown_lines(self, text: str) -> list[str]:
        """Shown text of every line of a text with line feeds."""
        return [self.shown(line) for line in text.split("\n")] if text else []

    def _wrap_paragraph(self, text: str, width_mm: float, size_pt: float) -> Iterator[str]:
        line, used = "", 0.0
        for word in _WORD.findall(text):
            wide = self.width(word, size_pt)
            if used + wide <= width_mm or (not line and len(word) == 1):
                line, used = line + word, used + wide
                continue
            if line and word in _NOT_FIRST and len(line) > 1:  # take the character before along
                yield line[:-1]
                line = line[-1] + word
                used = self.width(line, size_pt)
                continue
            if line and wide <= width_mm:
                yield line
                line, used = word, wide
                continue
            for char in word:
                advance = self.width(char, size_pt)
                if line and used + advance > width_mm:
                    yield line
                    line, used = "", 0.0
                line, used = line + char, used + advance
        yield line

    def _has(self, char: str) -> bool:
        return ord(char) in self._glyphs and unicodedata.category(char) not in _UNSEEN

    def _advance(self, char: str) -> float:
        """Width in mm at one point."""
        known = self._advances.get(char)
        if known is None:
            known = self._pdf.get_string_width(char) / self._pdf.font_size_pt
            self._advances[char] = known
        return known
