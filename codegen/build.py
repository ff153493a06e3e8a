"""The main job, stage by stage.

read      text -> Model                   derivations.model
derive    Model -> Derivation             derivations.bptt
prove     Derivation -> proven            derivations.proving
lower     Derivation -> Program           codegen.lower
passes    Program -> Program              codegen.passes
emit      Program -> source text          codegen.targets
check     source text -> GradientReport   codegen.gradcheck
document  Derivation -> text              codegen.documents
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TypeAlias

from codegen.documents.handout.derivation import derivation_document
from codegen.documents.latex import fragment, tex
from codegen.gradcheck import GradientReport, check_module
from codegen.lower import lower
from codegen.options import PLAIN, Options
from codegen.passes.distribute import distribute
from codegen.passes.gradients import parameters_only, states_only
from codegen.passes.materialise import materialise
from codegen.passes.reuse import reuse
from codegen.passes.segment import segment
from codegen.passes.share import share
from codegen.passes.share_products import share_products
from codegen.passes.split import split
from codegen.passes.stabilise import stabilise
from codegen.passes.stack import stack, stack_products
from codegen.program import Program
from codegen.targets.c.binding import build_binding
from codegen.targets.c.module import emit as emit_c_files
from codegen.targets.numpy.module import emit
from derivations import Derivation, Model, cell_names, derive, prove
from derivations.errors import EmitError, ModelError, VerificationError
from derivations.library import cell_text
from derivations.masking import masked

Passes: TypeAlias = tuple[Callable[[Program], Program], ...]

#: Program → Program, in this order; the textbook style keeps the literal equations.
STYLES: Mapping[str, Passes] = {
    "textbook": (stabilise,),
    "fast": (stabilise, share, split, share_products, stack, distribute, reuse),
}
#: The same for C, where a loop over the entries costs nothing but its work.
C_STYLES: Mapping[str, Passes] = {
    "textbook": (stabilise, materialise),
    "fast": (
        stabilise,
        share,
        split,
        share_products,
        stack_products,
        distribute,
        materialise,
    ),
}
TARGETS: Mapping[str, Mapping[str, Passes]] = {"numpy": STYLES, "c": C_STYLES}
#: Which gradients a module returns: by everything that is given, or by what is trained.
GRADIENTS: Mapping[str, Passes] = {
    "all": (),
    "parameters": (parameters_only,),
}


@dataclass(frozen=True)
class Source:
    """A text of forward equations and where it came from.

    Attributes
    ----------
    name : str
        What files are called after it: letters, digits, ``-``.
    text : str
    """

    name: str
    text: str


@dataclass(frozen=True)
class Build:
    """Everything that one model gives.

    Attributes
    ----------
    name : str
    derivation : Derivation
        Proven.
    reports : mapping of style to GradientReport
    files : mapping of file name to text
    """

    name: str
    derivation: Derivation
    reports: Mapping[str, GradientReport]
    files: Mapping[str, str]


def find_source(name: str) -> Source:
    """Return a cell of the library, or the text of a file.

    Raises
    ------
    ModelError
        When there is neither, or the file is no text.
    """
    if name in cell_names():
        return Source(name, cell_text(name))
    path = Path(name)
    if not path.suffix and not path.exists():
        raise ModelError(
            f"There is no cell {name!r}.",
            hint=f"The library has {', '.join(cell_names())}; a file is named with its ending.",
        )
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise ModelError(f"{name} cannot be read: {reason}.") from None
    return Source(re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-") or "model", text)


def proven_derivation(
    source: Source, activation: str | None = None, options: Options = PLAIN
) -> Derivation:
    """Read, derive and prove."""
    return prove(derive(model_for(Model.read(source.text, activation), options)))


def model_for(model: Model, options: Options) -> Model:
    """Return the model that is derived for a module with options: maybe with a mask."""
    return masked(model) if options.mask else model


def emit_source(
    derivation: Derivation,
    name: str,
    style: str,
    gradients: str = "all",
    options: Options = PLAIN,
) -> str:
    """Return the source of an emitted NumPy module.

    Parameters
    ----------
    derivation : Derivation
    name : str
        What the model is called in the module's docstring.
    style : str
        One of `STYLES`.
    gradients : str
        ``all``, or ``parameters`` for those alone.
    options : Options
        What the module offers besides.

    Raises
    ------
    EmitError
        When the style or the choice of gradients is unknown, or an option does not go with the
        model.
    """
    if options.mask != (derivation.model.unmasked is not None):
        raise EmitError(
            "These options need another derivation.", hint="Derive what `model_for` returns."
        )
    program = _passed(derivation, passes_of(style, gradients, options=options))
    return emit(program, _details(derivation, name, style, options), options)


def emit_pullback(derivation: Derivation, name: str) -> str:
    """Return the source of a fast NumPy module of gradients by given states alone.

    It is for Jacobians of a step, where the batch is many unit vectors and no other gradient is
    asked for.
    """
    program = _passed(derivation, (*passes_of("fast"), states_only))
    return emit(program, _details(derivation, name, "fast", PLAIN), PLAIN)


def emit_c(derivation: Derivation, name: str, style: str, gradients: str = "all") -> dict[str, str]:
    """Return the header, the source in C99 and the Python binding of a model, by file name.

    Raises
    ------
    EmitError
        When the style or the choice of gradients is unknown.
    """
    program = _passed(derivation, passes_of(style, gradients, "c"))
    return emit_c_files(program, stem(name), _details_of_c(derivation, name, style))


def _passed(derivation: Derivation, passes: Passes) -> Program:
    program = lower(derivation)
    for transform in passes:
        program = transform(program)
    return program


def passes_of(
    style: str, gradients: str = "all", target: str = "numpy", options: Options = PLAIN
) -> Passes:
    """Return the passes of a style, in their order.

    Raises
    ------
    EmitError
        When the target, the style or the choice of gradients is unknown.
    """
    if target not in TARGETS:
        raise EmitError(f"There is no target {target!r}.", hint=f"Known: {', '.join(TARGETS)}.")
    if style not in TARGETS[target]:
        raise EmitError(f"There is no style {style!r}.", hint=f"Known: {', '.join(STYLES)}.")
    if gradients not in GRADIENTS:
        raise EmitError(
            f"There are no gradients {gradients!r}.", hint=f"Known: {', '.join(GRADIENTS)}."
        )
    segments: Passes = (segment,) if options.segments else ()
    return (*segments, *GRADIENTS[gradients], *TARGETS[target][style])


def checked_source(
    derivation: Derivation,
    name: str,
    style: str,
    gradients: str = "all",
    options: Options = PLAIN,
) -> str:
    """Return the source of an emitted module that has passed its gradient checks.

    Raises
    ------
    VerificationError
        When a gradient fails.
    """
    text = emit_source(derivation, name, style, gradients, options)
    _refuse_wrong(check_source(text), name, style)
    return text


def checked_build(
    derivation: Derivation, name: str, style: str, gradients: str = "all", *, cblas: bool = False
) -> dict[str, str | bytes]:
    """Return the files of a model in C with its libraries, whose gradients have been checked.

    Raises
    ------
    EmitError
        When there is no compiler, or it fails.
    VerificationError
        When a gradient fails.
    """
    files = emit_c(derivation, name, style, gradients)
    with tempfile.TemporaryDirectory() as folder:
        binding = build_binding(files, Path(folder), cblas=cblas)
        _refuse_wrong(check_module(binding), name, style)
        libraries = {path.name: path.read_bytes() for path in Path(folder).glob("*.so")}
    return {**files, **libraries}


def _refuse_wrong(report: GradientReport, name: str, style: str) -> None:
    if not report.passed:
        raise VerificationError(
            f"The {style} module of {name} fails its gradient check.", hint=str(report)
        )


def build(source: Source, activation: str | None = None) -> Build:
    """Derive, prove, emit and check one model; nothing is written yet.

    Raises
    ------
    BpttError
        At the first stage that fails: an equation that the judge rejects, or an emitted gradient
        that a numerical test rejects.
    """
    derivation = proven_derivation(source, activation)
    modules = {style: emit_source(derivation, source.name, style) for style in STYLES}
    reports = {style: check_source(text) for style, text in modules.items()}
    for style, report in reports.items():
        _refuse_wrong(report, source.name, style)
    files = {
        "derivation.tex": tex(derivation_document(derivation)),
        "derivation-fragment.tex": fragment(derivation),
        **{module_name(source.name, style): text for style, text in modules.items()},
    }
    return Build(
        source.name, derivation, reports, {"README.md": _readme(source, derivation, files), **files}
    )


def module_name(name: str, style: str) -> str:
    """Return the file name of an emitted module, which must be importable.

    Examples
    --------
    >>> module_name("rnn-hh", "fast")
    'rnn_hh_fast.py'
    """
    return f"{stem(name)}_{style}.py"


def stem(name: str) -> str:
    """Return what the files and the functions of a model are called.

    Examples
    --------
    >>> stem("rnn-hh"), stem("3-gates")
    ('rnn_hh', 'm_3_gates')
    """
    words = name.replace("-", "_")
    return f"m_{words}" if words[0].isdigit() else words


def check_source(text: str) -> GradientReport:
    """Run the gradient checks on the source of a module."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "emitted.py"
        path.write_text(text, "utf-8")
        return check_module(path)


def version() -> str:
    """Return the version of this project."""
    return metadata.version("bptt")


def _functions(derivation: Derivation) -> list[tuple[str, str]]:
    functions = derivation.model.scope.functions
    return [(name, function.name) for name, function in functions.items()]


def _made(derivation: Derivation, name: str, style: str, options: Options = PLAIN) -> str:
    chosen = "".join(
        f", {symbol.removeprefix(chr(92))} = {f}" for symbol, f in _functions(derivation)
    )
    chosen += f", with {', '.join(options.names)}" if options.names else ""
    numbered = "derivation."
    if derivation.model.unmasked is not None:
        numbered = (
            "derivation for E = Σ mask_t E_t: mask_t is 1 where the loss of step t counts, and 0 "
            "elsewhere."
        )
    return (
        "Loss and gradients by back-propagation through time, emitted by bptt "
        f"{version()} from the forward equations of {name} (style {style}{chosen}); do not edit. "
        f"Numbers in comments are those of the {numbered}"
    )


def _details_of_c(derivation: Derivation, name: str, style: str) -> list[str]:
    return [
        _made(derivation, name, style),
        "A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are "
        "time-major, batch second.",
        *_about_an_unspecified_loss(derivation),
    ]


def _about_an_unspecified_loss(derivation: Derivation) -> list[str]:
    if not derivation.model.unspecified_loss:
        return []
    return [
        "The loss is unspecified: its gradient by the prediction is part of the data. The "
        "value is the inner product with it, which is the function that has these gradients."
    ]


def _details(derivation: Derivation, name: str, style: str, options: Options) -> list[str]:
    return [
        _made(derivation, name, style, options),
        "A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are "
        "time-major, batch second. Index t is step t, except in the data, which counts from 0.",
        *_about_an_unspecified_loss(derivation),
    ]


def _readme(source: Source, derivation: Derivation, files: Mapping[str, str]) -> str:
    made = "\n".join(f"- `{name}`" for name in files)
    chosen = "".join(f" `{symbol}` is {f}." for symbol, f in _functions(derivation))
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", source.text)), default=0))
    return (
        f"# {derivation.model.title}\n\n"
        f"Made by `bptt build {source.name}` (bptt {version()}) from this text:\n\n"
        f"{fence}markdown\n{source.text.strip()}\n{fence}\n\n"
        f"{derivation.proven} equations are proven.{chosen} Both modules passed central "
        "differences, a complex step and a Taylor test when they were made; "
        f"`bptt verify {module_name(source.name, 'fast')}` runs these again.\n\n{made}\n\n"
        "`derivation.tex` is the page to compile; `derivation-fragment.tex`, its equations alone, "
        "can stand in a paper of your own. Everything here is overwritten by the next build.\n"
    )
