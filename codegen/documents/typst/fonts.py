"""Where a Chinese font comes from: the package `mplfonts` first, so that bytes are the same."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import typst as compiler

from derivations.errors import EmitError

#: Families for Chinese text, the one that looks best beside the Latin text first.
_WITH_SERIFS = ("Noto Serif CJK SC", "Source Han Serif SC", "Noto Serif SC", "Songti SC", "SimSun")
#: Families for Chinese headings.
_WITHOUT = ("Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", "SimHei")
#: The two, and the other where there is none of the one.
SERIF, SANS = (*_WITH_SERIFS, *_WITHOUT), (*_WITHOUT, *_WITH_SERIFS)
_FILE = "NotoSerifCJKsc-Regular.otf"


def is_chinese(text: str) -> bool:
    """Tell whether a text holds characters that the fonts of Latin text lack.

    Examples
    --------
    >>> is_chinese("σ′ of é"), is_chinese("循环网络")
    (False, True)
    """
    return any("\u2e80" <= character <= "\u9fff" or character >= "\uf900" for character in text)


@cache
def chinese_fonts() -> compiler.Fonts:
    """Return fonts among which there is a Chinese one.

    Raises
    ------
    EmitError
        When there is none on this machine.
    """
    packaged = _packaged()
    if packaged is not None:
        return compiler.Fonts(include_system_fonts=False, font_paths=[str(packaged)])
    found = compiler.Fonts()
    if not set(found.families()) & set(SERIF):
        raise EmitError(
            "There is no Chinese font on this machine.",
            hint="pip install 'bptt[chinese]', or install the Debian package fonts-noto-cjk.",
        )
    return found


@cache
def latin_fonts() -> compiler.Fonts:
    """Return the fonts that every machine has: those that come with Typst."""
    return compiler.Fonts(include_system_fonts=False)


def _packaged() -> Path | None:
    """Return the folder of the fonts that the package holds."""
    spec = find_spec("mplfonts")
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        folder = Path(place) / "fonts"
        if (folder / _FILE).is_file():
            return folder
    return None


__all__ = ["SANS", "SERIF", "chinese_fonts", "is_chinese", "latin_fonts"]
