"""The language of a document: prose is written in English and looked up in a message catalogue.

Formulas, numbers, code and names of functions are the same in every language. They are taken out
of a sentence before it is looked up and put back behind it, so that one message serves every
model: "$h_t$ acts on $z_t$ and $a_{t+1}$." is looked up as "{1} acts on {2}.", where an
enumeration is one thing.
"""

from __future__ import annotations

import gettext
import io
import re
from dataclasses import dataclass, replace
from functools import cache, singledispatch
from importlib import resources

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from codegen.documents.document import (
    Block,
    Display,
    Document,
    Exercise,
    Figure,
    Heading,
    Items,
    Listing,
    Paragraph,
    Section,
    Table,
)
from codegen.documents.drawing import Label
from derivations.activations import ACTIVATIONS
from derivations.errors import EmitError

#: What a handout can be written in.
LANGUAGES = ("en", "zh")

#: Names that are the same in every language; "identity" is a word of prose, too.
_NAMES = "|".join(name for name in ACTIVATIONS if name != "identity")
_THING = rf"\$[^$]*\$|`[^`]*`|\b(?:{_NAMES})\b|(?<![\w.])\d+(?:\.\d+)*(?!\w)"
#: Formulas in a row, with commas or semicolons between them, and perhaps "and" before the last.
_ENUMERATION = re.compile(rf"(?:{_THING})(?:[,;] (?:{_THING}))*(?P<last> and (?:{_THING}))?")
_THINGS = re.compile(_THING)
_SENTENCE_END = re.compile(r"(?<=[.?!]) (?=[A-Z{])")
_WORD = re.compile(r"[A-Za-z]{2}")
#: Between the members of an enumeration, and before its last one.
_JOINTS = {"en": (", ", " and "), "zh": ("、", " 和 ")}


@dataclass(frozen=True)
class Message:
    """A sentence without its formulas, and what stood in their places."""

    text: str
    things: tuple[tuple[str, ...], ...]


def message(sentence: str) -> Message:
    """Take the formulas, numbers and code out of a sentence.

    Examples
    --------
    >>> message("$h_t$ acts on $z_t$ and $a_{t+1}$.")
    Message(text='{1} acts on {2}.', things=(('$h_t$',), ('$z_t$', '$a_{t+1}$')))
    """
    things: list[tuple[str, ...]] = []

    def taken(match: re.Match[str]) -> str:
        things.append(tuple(_THINGS.findall(match[0])) if match["last"] else (match[0],))
        return f"{{{len(things)}}}"

    return Message(_ENUMERATION.sub(taken, sentence), tuple(things))


def sentences(prose: str) -> tuple[str, ...]:
    """Return the sentences of a paragraph; what stands in a formula ends none.

    Examples
    --------
    >>> sentences("One. $x$ is two. Three")
    ('One.', '$x$ is two.', 'Three')
    """
    found = message(prose)
    parts = []
    for part in _SENTENCE_END.split(found.text):
        parts.append(_filled(part, found.things, "en"))
    return tuple(parts)


def translated(prose: str, language: str) -> str:
    """Return prose in a language; a sentence that its catalogue lacks stays English.

    Examples
    --------
    >>> translated("The chain rule through $h_t$.", "en")
    'The chain rule through $h_t$.'
    """
    if language == "en" or not prose.strip():
        return prose
    catalogue = translations(language)
    shown = []
    for sentence in sentences(prose):
        found = message(sentence)
        text = catalogue.gettext(found.text) if _WORD.search(found.text) else found.text
        shown.append(_filled(text, found.things, language))
    return _joined(shown)


def _joined(sentences: list[str]) -> str:
    """Join sentences: a full stop of a Chinese sentence brings its own space."""
    text = sentences[0]
    for sentence in sentences[1:]:
        text += (" " if text[-1:].isascii() else "") + sentence
    return text


def _filled(text: str, things: tuple[tuple[str, ...], ...], language: str) -> str:
    comma, conjunction = _JOINTS[language]

    def thing(match: re.Match[str]) -> str:
        *others, last = things[int(match[1]) - 1]
        return f"{comma.join(others)}{conjunction}{last}" if others else last

    return re.sub(r"\{(\d+)\}", thing, text)


@cache
def translations(language: str) -> gettext.NullTranslations:
    """Return the catalogue of a language.

    Raises
    ------
    EmitError
        When there is none.
    """
    if language not in LANGUAGES:
        raise EmitError(
            f"There is no language {language!r}.", hint=f"Known: {', '.join(LANGUAGES)}."
        )
    if language == "en":
        return gettext.NullTranslations()
    folder = resources.files("codegen.documents") / "locale" / language / "LC_MESSAGES"
    catalogue = read_po(io.StringIO((folder / "handout.po").read_text("utf-8")), locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def in_language(document: Document, language: str) -> Document:
    """Return a document with all its prose in a language.

    Raises
    ------
    EmitError
        When the language is unknown.
    """
    catalogue = translations(language)
    sections = tuple(
        Section(
            translated(section.title, language),
            tuple(block_in(block, language) for block in section.blocks),
            section.number,
        )
        for section in document.sections
    )
    return replace(
        document,
        # The user's text, literal: known only as a whole.
        title=catalogue.gettext(document.title) if document.title else "",
        subtitle=translated(document.subtitle, language),
        footer=translated(document.footer, language),
        language=language,
        sections=sections,
    )


@singledispatch
def block_in(block: Block, language: str) -> Block:
    """Return a block with its prose in a language."""
    raise AssertionError(f"{type(block).__name__} has no line in this file")


@block_in.register
def paragraph_in(block: Paragraph, language: str) -> Block:
    return Paragraph(translated(block.text, language), translated(block.lead, language))


@block_in.register
def heading_in(block: Heading, language: str) -> Block:
    return Heading(translated(block.title, language))


@block_in.register
def items_in(block: Items, language: str) -> Block:
    if block.is_same_everywhere:
        return block
    return replace(block, items=tuple(translated(item, language) for item in block.items))


@block_in.register
def display_in(block: Display, language: str) -> Block:
    return block


@block_in.register
def table_in(block: Table, language: str) -> Block:
    return replace(
        block,
        header=tuple(translated(cell, language) for cell in block.header),
        rows=tuple(tuple(translated(cell, language) for cell in row) for row in block.rows),
        caption=translated(block.caption, language),
    )


@block_in.register
def figure_in(block: Figure, language: str) -> Block:
    drawing = replace(
        block.drawing,
        description=translated(block.drawing.description, language),
        items=tuple(
            replace(item, text=translated(item.text, language)) if isinstance(item, Label) else item
            for item in block.drawing.items
        ),
    )
    return replace(block, drawing=drawing, caption=translated(block.caption, language))


@block_in.register
def listing_in(block: Listing, language: str) -> Block:
    return replace(block, caption=translated(block.caption, language))


@block_in.register
def exercise_in(block: Exercise, language: str) -> Block:
    return replace(
        block,
        statement=tuple(block_in(part, language) for part in block.statement),
        solution=tuple(block_in(part, language) for part in block.solution),
    )


__all__ = [
    "LANGUAGES",
    "Message",
    "in_language",
    "message",
    "sentences",
    "translated",
    "translations",
]
