"""The command `bptt`."""

from __future__ import annotations

import gc
import io
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table
from rich.text import Text

from codegen.build import (
    GRADIENTS,
    STYLES,
    TARGETS,
    Build,
    build,
    checked_build,
    checked_source,
    emit_c,
    find_source,
    passes_of,
    proven_derivation,
    stem,
)
from codegen.documents.checked import annotated, verdict_table
from codegen.documents.checked import as_json as notes_as_json
from codegen.documents.formats import FORMATS as FORMATS_OF_HANDOUTS
from codegen.documents.formats import chosen
from codegen.documents.handout.handout import Choice
from codegen.documents.json import as_json
from codegen.documents.latex import fragment
from codegen.documents.pdf import ENGINES
from codegen.documents.text import text
from codegen.documents.translation import LANGUAGES
from codegen.explain import explain
from codegen.files import write_files
from codegen.flow.command import flow_command
from codegen.gradcheck import check_module
from codegen.handouts import Request, check_request, handout_files, sheet_files
from codegen.lower import lower
from codegen.notes import annotated_path, read_notes
from codegen.options import PLAIN, Options
from codegen.tables import build_table, check_table
from derivations import Derivation, cell, cell_names
from derivations.activations import ACTIVATIONS
from derivations.claims.notes import Checked, check_notes
from derivations.errors import BpttError, EmitError, VerificationError

#: From so many claims on, a bar shows how far the judge is.
MANY_CLAIMS = 10
#: No class is larger.
MOST_SHEETS = 999
FORMATS = {"latex": fragment, "text": text, "json": as_json}

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Derive back-propagation through time, prove every equation, emit tested gradient code.",
)

ModelName = Annotated[str, typer.Argument(help="A cell of the library, or a file of equations.")]
Activation = Annotated[
    str | None, typer.Option(help=f"What σ is: {', '.join(ACTIVATIONS)}.", show_default=False)
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="A file; the terminal without it.")
]
OutputOfCode = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="A file; the terminal without it. For C a folder, MODEL_c without it.",
    ),
]


@app.command("build")
def build_command(
    model: Annotated[
        str | None, typer.Argument(help="A cell of the library, or a file of equations.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every cell of the library.")] = False,
    activation: Activation = None,
    out: Annotated[Path, typer.Option(help="Each model gets a folder in it.")] = Path("generated"),
) -> None:
    """Derive, prove, emit, check and write one model, or the whole library."""
    if every == (model is not None):
        raise EmitError("Name one model, or say --all.")
    sources = [find_source(name) for name in (cell_names() if model is None else [model])]
    console = Console()
    built: list[tuple[Build, list[Path]]] = []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("building", total=len(sources))
        for source in sources:
            progress.update(task, description=source.name)
            made = build(source, activation)
            _warn(made)
            built.append((made, write_files(out / made.name, made.files)))
            progress.advance(task)
    console.print(build_table(built))


@app.command("derive")
def derive_command(
    model: ModelName,
    form: Annotated[str, typer.Option("--format", help=f"{', '.join(FORMATS)}.")] = "text",
    activation: Activation = None,
    output: Output = None,
) -> None:
    """Derive and prove a model; print the derivation."""
    if form not in FORMATS:
        raise EmitError(f"There is no format {form!r}.", hint=f"Known: {', '.join(FORMATS)}.")
    _deliver(FORMATS[form](proven_derivation(find_source(model), activation)), output)


@app.command("emit")
def emit_command(
    model: ModelName,
    target: Annotated[str, typer.Option(help=f"{', '.join(TARGETS)}.")] = "numpy",
    style: Annotated[
        str | None,
        typer.Option(help=f"{', '.join(STYLES)}; textbook for numpy, fast for c without it."),
    ] = None,
    gradients: Annotated[str, typer.Option(help=f"{', '.join(GRADIENTS)}.")] = "all",
    checkpoint: Annotated[
        bool, typer.Option("--checkpoint", help="Memory grows with √T; the rest is recomputed.")
    ] = False,
    truncate: Annotated[
        bool, typer.Option("--truncate", help="With truncated back-propagation, by k1 and k2.")
    ] = False,
    stream: Annotated[
        bool, typer.Option("--stream", help="With chunks of a sequence, states carried over.")
    ] = False,
    lengths: Annotated[
        bool, typer.Option("--lengths", help="Sequences of different lengths in a batch.")
    ] = False,
    clip: Annotated[
        bool, typer.Option("--clip", help="With clipping of gradients by their global norm.")
    ] = False,
    activation: Activation = None,
    output: OutputOfCode = None,
    explained: Annotated[
        bool, typer.Option("--explain", help="The program before and after each pass instead.")
    ] = False,
    built: Annotated[
        bool, typer.Option("--build", help="C: compile it, with a Python module that calls it.")
    ] = False,
    cblas: Annotated[
        bool, typer.Option("--cblas", help="C: matrix products of an installed scipy-openblas.")
    ] = False,
) -> None:
    """Emit the gradient code of a model, after its gradients have been checked.

    C is written to files, which are called after the model in the folder of --output; --build
    compiles and checks it.
    """
    source = find_source(model)
    chosen = style or ("fast" if target == "c" else "textbook")
    options = Options(checkpoint, truncate, stream, lengths, clip)
    passes = passes_of(chosen, gradients, target, options)
    if (built or cblas) and (target != "c" or explained or not built):
        raise EmitError("--build is for --target c, and --cblas for --build.")
    if target == "c" and options != PLAIN:
        raise EmitError(
            f"There is no --{options.names[0]} for --target c.",
            hint="Leave --target out for NumPy.",
        )
    derivation = proven_derivation(source, activation, options)
    if explained:
        _deliver(explain(lower(derivation), passes), output)
    elif target == "c":
        _deliver_c(derivation, source.name, chosen, gradients, output, built, cblas)
    else:
        _deliver(checked_source(derivation, source.name, chosen, gradients, options), output)


@app.command("verify")
def verify_command(
    path: Annotated[Path, typer.Argument(help="An emitted module.")],
    seed: Annotated[int, typer.Option(help="Chooses sizes' entries and directions.")] = 0,
) -> None:
    """Test the gradients of an emitted module numerically."""
    report = check_module(path, seed=seed)
    Console().print(check_table([(path.name, report)]))
    if not report.passed:
        raise VerificationError(f"{path} fails.", hint=str(report))


@app.command("check")
def check_command(
    notes: Annotated[Path, typer.Argument(help="Markdown or LaTeX.")],
    json: Annotated[bool, typer.Option("--json", help="A list of objects, for programs.")] = False,
    annotate: Annotated[
        bool, typer.Option("--annotate", help="Write a copy with the verdicts: NOTES.checked.md.")
    ] = False,
    annotate_to: Annotated[
        Path | None, typer.Option(help="The same, to this file.", show_default=False)
    ] = None,
    repairs: Annotated[bool, typer.Option(help="Look for what mends a false equation.")] = True,
) -> None:
    """Judge every equation of somebody's notes against the forward equations among them.

    The status is 0 when nothing is false, though something may not be checkable; 1 when an
    equation is false; 2 when there is nothing to judge.
    """
    copy = annotate_to or (annotated_path(notes) if annotate else None)
    if copy is not None and copy.exists() and notes.exists() and copy.samefile(notes):
        raise EmitError(f"{copy} holds the notes themselves.", hint="Choose another file.")
    checked = _checked_notes(read_notes(notes), repairs)
    if copy is not None:
        write_files(copy.parent, {copy.name: annotated(checked)})
    if json:
        sys.stdout.write(notes_as_json(checked))
    else:
        console = Console()
        console.print(verdict_table(checked, console.width))
        if copy is not None:
            console.print(Text(f"The annotated copy is {copy}."))
    if checked.counts["false"]:
        raise typer.Exit(1)


@app.command("handout")
def handout_command(
    model: ModelName,
    formats: Annotated[
        str,
        typer.Option("--format", help=f"{', '.join(FORMATS_OF_HANDOUTS)}; several with commas."),
    ] = "pdf",
    lang: Annotated[str, typer.Option(help=f"{', '.join(LANGUAGES)}.")] = "en",
    solutions: Annotated[bool, typer.Option("--solutions", help="The exercises solved.")] = False,
    seed: Annotated[int, typer.Option(help="Chooses the exercises.")] = 0,
    variants: Annotated[
        int | None,
        typer.Option(help="So many sheets of exercises, and their key.", show_default=False),
    ] = None,
    engine: Annotated[str, typer.Option(help=f"{', '.join(ENGINES)}: what sets PDF.")] = "typst",
    activation: Activation = None,
    out: Annotated[Path, typer.Option(help="The folder.")] = Path(),
) -> None:
    """Write the handout of a model: paper, page or notebook, in English or Chinese.

    With --variants, sheets of exercises instead, each drawn from a seed of its own, and the key to
    all of them.
    """
    request = Request(chosen(formats), Choice(lang, solutions, seed), engine)
    if variants is not None and solutions:
        raise EmitError("--variants writes the key to all sheets.", hint="Leave --solutions out.")
    if variants is not None and not 1 <= variants <= MOST_SHEETS:
        raise EmitError(f"--variants is a number from 1 to {MOST_SHEETS}.")
    check_request(request, out)
    source = find_source(model)
    derivation = proven_derivation(source, activation)
    if variants is None:
        files = handout_files(derivation, source.name, request)
    else:
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            shown = progress.track(range(1, variants + 1), description="sheets")
            files = sheet_files(derivation, source.name, request, shown)
    for warning in files.warnings:
        print(f"bptt: {warning}", file=sys.stderr)
    for path in write_files(out, files.files):
        Console().print(Text(str(path)), soft_wrap=True)


app.command("flow")(flow_command)


@app.command("cells")
def cells_command() -> None:
    """List the library, one line a cell."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for name in cell_names():
        table.add_row(Text(name, style="bold"), Text(cell(name).title))
    Console().print(table)


def _checked_notes(text: str, repairs: bool) -> Checked:
    """Judge notes; where there are many claims and somebody looks, with a bar."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks: list[TaskID] = []

        def advance(done: int, total: int) -> None:
            if not tasks and total >= MANY_CLAIMS:
                tasks.append(progress.add_task("judging", total=total))
            for task in tasks:
                progress.update(task, completed=done, total=total)

        return check_notes(text, repairs=repairs, progress=advance)


def main() -> NoReturn:
    """Run the command; every failure is one message, and the status 2."""
    gc.freeze()  # what was loaded stays: 7 % of the time went into looking at it again
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")  # a derivation has no other spelling
    try:
        app()  # leaves by SystemExit, with status 2 for a command that it does not understand
    except BpttError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        print("Interrupted; nothing was half-written.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody listens any more
        sys.exit(1)
    except OSError as error:
        _fail(f"The output cannot be written: {error.strerror}.")
    except Exception as error:
        print(f"This is a bug of bptt: {type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(70)
    sys.exit(0)


def _fail(message: str) -> NoReturn:
    """Print a message as it stands: it holds the user's text, which is no markup."""
    print(f"bptt: {message}", file=sys.stderr)
    sys.exit(2)


def _warn(made: Build) -> None:
    for warning in made.derivation.model.warnings:
        print(f"bptt: {made.name}: {warning}", file=sys.stderr)


def _deliver_c(
    derivation: Derivation,
    name: str,
    style: str,
    gradients: str,
    output: Path | None,
    built: bool,
    cblas: bool,
) -> None:
    """Write the header and the source, and what was built of them, into a folder."""
    folder = output or Path(f"{stem(name)}_c")
    if built:
        files = checked_build(derivation, name, style, gradients, cblas=cblas)
    else:
        files = {
            file: text
            for file, text in emit_c(derivation, name, style, gradients).items()
            if not file.endswith(".py")
        }
    for path in write_files(folder, files):
        Console().print(Text(str(path)))


def _deliver(printed: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(printed if printed.endswith("\n") else printed + "\n")
    else:
        write_files(output.parent, {output.name: printed})
