"""The command `bptt flow`: what is typed becomes a study, and what it finds becomes files."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from codegen.build import find_source
from codegen.files import write_files
from codegen.flow.point import INITIALISATIONS, Settings
from derivations import Model
from derivations.activations import ACTIVATIONS
from derivations.errors import EmitError

if TYPE_CHECKING:
    from codegen.flow.probe import Probe
    from codegen.flow.running import Finished, Progress, Runner

GAINS = "0.5,0.75,0.9,1,1.1,1.25,1.5,2"
#: Of a study in its folder: finished points are beside what is made of all of them.
POINTS = "points"
#: Of an axis; the largest is taken at which a state has no more entries than this.
SIZES, MOST_ENTRIES = (32, 16, 8, 4, 2), 128


def flow_command(
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL...", help="Cells of the library, or files of equations."),
    ],
    activation: Annotated[
        str | None,
        typer.Option(
            help=f"What σ is, several with commas: {', '.join(ACTIVATIONS)}.", show_default=False
        ),
    ] = None,
    gain: Annotated[
        str | None,
        typer.Option(help="Factors of recurrent matrices, with commas.", show_default=GAINS),
    ] = None,
    radius: Annotated[
        str | None,
        typer.Option(help="Their spectral radii instead, with commas.", show_default=False),
    ] = None,
    initialisation: Annotated[
        str, typer.Option(help=f"{', '.join(INITIALISATIONS)}; several with commas.")
    ] = ",".join(INITIALISATIONS),
    seeds: Annotated[int, typer.Option(help="So many networks of each kind.")] = 20,
    seed: Annotated[int, typer.Option(help="The first of these seeds.")] = 0,
    steps: Annotated[int, typer.Option(help="T, the length of the sequence.")] = 100,
    size: Annotated[
        int | None,
        typer.Option(
            help="Entries of each axis of a state.", show_default="32, less for a large state"
        ),
    ] = None,
    input_scale: Annotated[float, typer.Option(help="Standard deviation of inputs.")] = 0.1,
    clip: Annotated[float, typer.Option(help="The norm that clipping leaves.")] = 1.0,
    bias: Annotated[
        str | None, typer.Option(help="Biases that are not 0: b_f=1,b_i=-1.", show_default=False)
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes; one a core without it.", show_default=False)
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Of a Dask scheduler whose workers compute.", show_default=False
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The folder.", show_default="flow/MODEL")] = None,
) -> None:
    """Measure how gradients vanish and explode in random networks; write figures and tables.

    Every network is a point of a grid: cells by activations, initialisations, gains and seeds.
    Finished points are kept in the folder. After an interrupt, the same command goes on from there.
    """
    _require("matplotlib", "threadpoolctl")
    if gain is not None and radius is not None:
        raise EmitError("--gain and --radius both say how large matrices are.", hint="Choose one.")
    if workers is not None and dask is not None:
        raise EmitError("--workers is for this machine, and --dask for a cluster.")

    from codegen.flow.measure import measure
    from codegen.flow.probe import probe_of
    from codegen.flow.running import run_study
    from codegen.flow.study import Study, grid

    scale = "gain" if radius is None else "radius"
    values = (GAINS if gain is None else gain) if radius is None else radius
    read = _models(models, _words(activation, "--activation"))
    probes = {pair: probe_of(model, pair[0]) for pair, model in read.items()}
    chosen = _size(probes.values()) if size is None else size
    points = grid(
        list(read),
        _words(initialisation, "--initialisation"),
        scale,
        _numbers(values, f"--{scale}"),
        range(seed, seed + seeds),
        Settings(steps, chosen, input_scale, clip, _biases(bias)),
    )
    runner, folder = _runner(workers, dask), _folder(out, probes.values())
    _check_biases(points[0].settings, probes.values())
    with _shown(folder / POINTS) as progress:
        finished = run_study(Study(points, probes), folder / POINTS, measure, runner, progress)
    _deliver(finished, read, folder)


def _folder(out: Path | None, probes: Iterable[Probe]) -> Path:
    """Return where a study is: without a choice, each choice of models has a place of its own."""
    names = dict.fromkeys(probe.name for probe in probes)
    folder = Path("flow") / "-".join(names) if out is None else out
    if folder.exists() and not folder.is_dir():
        raise EmitError(f"{folder} is a file.", hint="Choose another folder with --out.")
    return folder


def _size(probes: Collection[Probe]) -> int:
    """Return the largest of the usual sizes at which no state is very large."""
    fitting = [s for s in SIZES if all(p.entries(s) <= MOST_ENTRIES for p in probes)]
    return max(fitting, default=min(SIZES))


def _require(*packages: str) -> None:
    """Find out what is missing before hours of work, and not behind them."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise EmitError(
            f"The study of gradients needs {' and '.join(missing)}.",
            hint="Install what it needs: pip install 'bptt[flow]'.",
        )


def _runner(workers: int | None, address: str | None) -> Runner:
    if address is not None:
        from codegen.flow.cluster import dask

        return dask(address)
    from codegen.flow.local import local, usable_cores

    return local(usable_cores() if workers is None else workers)


def _models(names: Sequence[str], activations: Sequence[str]) -> dict[tuple[str, str], Model]:
    """Read each model with each activation; the activation is empty where the text says it."""
    sources = tuple(dict.fromkeys(map(find_source, names)))
    if len({source.name for source in sources}) < len(sources):
        raise EmitError("Two of these models have the same name.", hint="Rename one of the files.")
    return {
        (source.name, activation): Model.read(source.text, activation or None)
        for source in sources
        for activation in (activations or ("",))
    }


def _words(typed: str | None, option: str) -> tuple[str, ...]:
    if typed is None:
        return ()
    words = tuple(word.strip() for word in typed.split(","))
    if not all(words):
        raise EmitError(f"{option} is a list with commas, such as a,b; it is {typed!r}.")
    return words


def _numbers(typed: str, option: str) -> tuple[float, ...]:
    return tuple(_number(word, option) for word in _words(typed, option))


def _number(word: str, option: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise EmitError(f"{option} takes numbers, and {word!r} is none.") from None


def _biases(typed: str | None) -> tuple[tuple[str, float], ...]:
    pairs = [word.partition("=") for word in _words(typed, "--bias")]
    for name, sign, _ in pairs:
        if not (name.strip() and sign):
            raise EmitError("--bias is like b_f=1,b_i=-1.")
    return tuple((name.strip(), _number(value, "--bias")) for name, _, value in pairs)


def _check_biases(settings: Settings, probes: Iterable[Probe]) -> None:
    """Refuse a bias that no model has; one that only some have is set in those."""
    from codegen.flow.network import biases
    from codegen.flow.trajectory import loaded

    known = sorted({name for one in probes for name in biases(one, loaded(one.own_source))})
    for name, _ in settings.biases:
        if name not in known:
            raise EmitError(
                f"No model of this study has a bias {name!r}.",
                hint=f"There is {', '.join(known)}." if known else "They have none.",
            )


@contextmanager
def _shown(folder: Path) -> Iterator[Progress]:
    """Show how far a study is; when it is interrupted, say what is kept."""
    console = Console(stderr=True)
    columns = (TextColumn("points"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Bar(*columns, console=console, transient=True, disable=not console.is_terminal)
    seen: list[int] = []

    def progress(done: int, total: int) -> None:
        if not bar.task_ids:
            bar.add_task("points", total=total, completed=done)
            if done:
                console.print(f"{done} of {total} points are there already.", highlight=False)
        bar.update(bar.task_ids[0], completed=done)
        seen[:] = done, total

    try:
        with bar:
            yield progress
    except KeyboardInterrupt:
        if not seen:
            raise
        kept = f"{seen[0]} of {seen[1]} points are kept in {folder}"
        print(f"Interrupted; {kept}. The same command goes on from there.", file=sys.stderr)
        raise typer.Exit(130) from None


def _deliver(finished: Finished, models: Mapping[tuple[str, str], Model], out: Path) -> None:
    from codegen.documents.theorems import bounds_file, terminal, theorems
    from codegen.flow.figures import figure_files
    from codegen.flow.overview import summary_table
    from codegen.flow.store import named
    from codegen.flow.tables import table_files

    found, without = finished.results, finished.without
    if without:
        (first, reason), count = without[0], len(found) + len(without)
        print(
            f"bptt: {len(without)} of {count} networks have no values. {named(first)}: {reason}",
            file=sys.stderr,
        )
    if not found:
        raise EmitError("No network has values.", hint="Choose fewer steps, or a smaller gain.")
    known = theorems({", ".join(filter(None, pair)): model for pair, model in models.items()})
    files = {**bounds_file(known), **figure_files(found), **table_files(found)}
    write_files(out, files)
    console = Console()
    console.print(terminal(known))
    console.print()
    console.print(summary_table(found))
    console.print(f"\n{len(files)} files in {out}", highlight=False, markup=False)
