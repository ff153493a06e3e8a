"""Derivation → Document: the whole handout, and a sheet of exercises alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

from codegen.documents.content import checked
from codegen.documents.document import (
    Display,
    Document,
    Exercise,
    Paragraph,
    Section,
    numbered,
)
from codegen.documents.handout.code import code_section
from codegen.documents.handout.derivation import (
    SUBTITLE,
    derivation_sections,
    proof_section,
    row,
    symbols_section,
)
from codegen.documents.handout.example import example_section
from codegen.documents.handout.exercises import exercises
from codegen.documents.handout.flow.section import flow_section
from codegen.documents.handout.mistakes import mistakes
from codegen.documents.handout.pictures import functions_section, graph_section
from codegen.documents.handout.references import references_section
from codegen.documents.translation import in_language
from codegen.gradcheck.module import module_from_source
from derivations.derivation import Derivation

FOOTER = "Made by `bptt`. Every equation with a tick was proven."


@dataclass(frozen=True)
class Choice:
    """What a reader may choose of a handout.

    Attributes
    ----------
    language : str
        One of `codegen.documents.translation.LANGUAGES`.
    solutions : bool
        Whether the exercises are solved.
    seed : int
        Chooses the exercises.
    """

    language: str = "en"
    solutions: bool = False
    seed: int = 0


def handout(derivation: Derivation, source: str, file: str, choice: Choice) -> Document:
    """Return the handout of a derivation.

    Parameters
    ----------
    derivation : Derivation
        Proven.
    source : str
        The emitted textbook module of the same derivation.
    file : str
        What the module is called.
    choice : Choice

    Raises
    ------
    EmitError
        When an equation is not proven, or the language is unknown.

    Examples
    --------
    >>> from codegen.build import emit_source
    >>> from derivations import cell, derive, prove
    >>> rnn = prove(derive(cell("rnn")))
    >>> code = emit_source(rnn, "rnn", "textbook")
    >>> handout(rnn, code, "rnn_textbook.py", Choice()).sections[-1].title
    'References'
    """
    model = checked(derivation).model
    module = module_from_source(source)
    network, *others = derivation_sections(derivation)
    sections = (
        symbols_section(derivation),
        network,
        graph_section(model),
        functions_section(model),
        *others,
        proof_section(derivation),
        flow_section(derivation),
        example_section(derivation, module),
        code_section(derivation, source, file, module),
        Section("Common mistakes", mistakes(derivation)),
        Section("Exercises", _exercises(derivation, choice.seed, choice.solutions)),
        references_section(),
    )
    written = tuple(section for section in sections if section.blocks)
    document = Document(model.title, SUBTITLE, "en", written, FOOTER)
    return in_language(numbered(document), choice.language)


def sheet(derivation: Derivation, number: int, seed: int, language: str) -> Document:
    """Return a sheet of exercises: the forward equations, and the exercises of a seed.

    Raises
    ------
    EmitError
        When the language is unknown.
    """
    title = f"Exercise sheet {number}"
    sections = (
        symbols_section(derivation),
        _reminder(derivation),
        Section("Exercises", _exercises(derivation, seed, False)),
    )
    document = Document(derivation.model.title, title, "en", sections, FOOTER)
    return in_language(numbered(document), language)


def key(derivation: Derivation, seeds: tuple[int, ...], language: str) -> Document:
    """Return the solutions of many sheets, a section for each.

    Raises
    ------
    EmitError
        When the language is unknown.
    """
    sections = []
    for number, seed in enumerate(seeds, 1):
        tasks = enumerate(_exercises(derivation, seed, True), 1)
        solved = tuple(replace(exercise, number=place) for place, exercise in tasks)
        sections.append(Section(f"Exercise sheet {number}", solved, number))
    document = Document(
        derivation.model.title, "Solutions of all sheets", "en", tuple(sections), FOOTER
    )
    return in_language(document, language)


def _exercises(derivation: Derivation, seed: int, solutions: bool) -> tuple[Exercise, ...]:
    return tuple(
        exercise if solutions else replace(exercise, solution=())
        for exercise in exercises(derivation, seed)
    )


def _reminder(derivation: Derivation) -> Section:
    """Return the forward equations, which the exercises are about."""
    given = derivation.sections[0]
    rows = tuple(row(equation) for equation in given.equations)
    return Section(given.title, (Paragraph(given.text), Display(rows)))


__all__ = ["Choice", "handout", "key", "sheet"]
