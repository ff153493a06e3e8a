"""What notes leave unsaid, and every reader supplies: that E is the loss, what y_t depends on.

Each assumption is shown beside the verdicts. None of them gives a symbol a formula that could be
wrong: a loss stays an arbitrary function, and a name that stands for another is the only one of its
letter that fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from derivations.claims.notes.habits import compared, softmaxes
from derivations.claims.notes.naming import (
    LOSS_LETTERS,
    Derivative,
    Key,
    Names,
    compound,
    derivatives,
    is_symbol,
    plain_letter,
)
from derivations.claims.notes.sections import Section
from derivations.claims.vocabulary import plain
from derivations.notation import syntax


def assumptions(section: Section, names: Names, known: frozenset[Key]) -> list[str]:
    """Return the declarations that the claims of a section need and the notes do not make.

    Parameters
    ----------
    section : Section
    names : Names
    known : frozenset of Key
        What the prose says something of.
    """
    return list(dict.fromkeys(_Gaps(section, names, known).filled()))


class _Gaps:
    def __init__(self, section: Section, names: Names, known: frozenset[Key]) -> None:
        self._section = section
        self._names = names
        self._said = known
        statements = [item.statement for item in section.claims if item.statement is not None]
        self._lefts = [statement.sides[0] for statement in statements]
        self._derivatives = [
            found
            for statement in section.statements
            for side in statement.sides
            for found in derivatives(side)
        ]
        self._used = {key for line in section.lines.values() for key in line.uses}
        self._computed = section.computed()

    def filled(self) -> Iterator[str]:
        losses = self._losses()
        outputs = list(self._outputs(losses))
        yield from self._loss_sentences(losses)
        yield from self._targets()
        yield from outputs
        yield from self._parameters()
        yield from self._gradients(losses)
        yield from self._last_step()

    # Losses

    def _losses(self) -> list[str]:
        """Return the names of the losses that are differentiated and not all defined."""
        above = [key for d in self._derivatives for key in map(self._names.key, d.of)]
        found: dict[str, None] = {}
        for key in above:
            both = {Key(key.name, True), Key(key.name, False)}
            is_letter = plain_letter(key.name) in LOSS_LETTERS
            if is_letter or both <= set(above):
                found[key.name] = None
        states = {key.name for key in self._computed if key.is_timed and self._is_state(key)}
        return [name for name in found if name not in states]

    def _is_state(self, key: Key) -> bool:
        """Tell whether another equation of the network uses a quantity."""
        return any(
            key in line.uses
            for line in self._section.lines.values()
            if line.kind == "forward equation" and line.key.is_timed
        )

    def _loss_sentences(self, losses: list[str]) -> Iterator[str]:
        above = {key for d in self._derivatives for key in map(self._names.key, d.of)}
        for name in losses:
            timed, total = Key(name, True), Key(name, False)
            is_summed = total in self._section.lines
            step_is_another = is_summed and not self._mentions(total, timed)
            has_steps = any(key.is_timed for key in self._computed)
            if timed not in self._said and not step_is_another and has_steps:
                yield f"{at_step(name)} is the loss of step t"
            if (total in above or is_summed) and total not in self._said:
                yield f"{name} is the total loss"
        yield from self._summands(losses)

    def _summands(self, losses: list[str]) -> Iterator[str]:
        """Yield what a total loss sums, where nothing says what that is: L = ∑ ℓ_t."""
        for line in self._section.lines.values():
            if line.key.is_timed or line.key.name not in losses:
                continue
            for key in sorted(line.uses, key=lambda key: key.name):
                is_open = key not in self._section.lines and key not in self._said
                if key.is_timed and is_open and plain_letter(key.name) in LOSS_LETTERS:
                    yield f"{at_step(key.name)} is the loss of step t"

    def _mentions(self, total: Key, timed: Key) -> bool:
        line = self._section.lines.get(total)
        return line is not None and timed in line.uses

    def _targets(self) -> Iterator[str]:
        """Yield that what a softmax is compared with is a distribution, too."""
        vectors = softmaxes(self._section.lines.values())
        for statement in self._section.statements:
            target = compared(statement, vectors, self._names)
            key = None if target is None else self._names.key(target)
            if key is not None and key not in self._said and key not in self._computed:
                yield f"{at_step(key.name) if key.is_timed else key.name} is one-hot"

    # Outputs

    def _outputs(self, losses: list[str]) -> Iterator[str]:
        """Yield what an output is that is differentiated and that no equation computes."""
        for found in self._derivatives:
            for of in found.of:
                key = self._names.key(of)
                is_open = key not in self._section.lines and key not in self._said
                if not key.is_timed or not is_open or key.name in losses or key in self._used:
                    continue
                yield from self._output(key, found, losses)

    def _output(self, key: Key, found: Derivative, losses: list[str]) -> Iterator[str]:
        decorated = [
            other
            for other in self._computed
            if other.is_timed and other != key and undecorated(other.name) == plain(key.name)
        ]
        if len(decorated) == 1:
            yield f"{at_step(key.name)} = {at_step(decorated[0].name)}"
            return
        states = [self._names.key(by) for by in found.by]
        if not states or not all(state in self._computed and state.is_timed for state in states):
            return
        for state in states:
            yield f"{at_step(key.name)} depends on {at_step(state.name)}"
        for other in self._derivatives:
            if key in map(self._names.key, other.by):
                for loss in map(self._names.key, other.of):
                    if loss.is_timed and loss.name in losses and loss not in self._section.lines:
                        yield f"{at_step(loss.name)} depends on {at_step(key.name)}"

    # Parameters

    def _parameters(self) -> Iterator[str]:
        """Yield which weight W is, where all weights carry labels: the recurrent one."""
        below = {key for d in self._derivatives for key in map(self._names.key, d.by)}
        for key in sorted(below, key=lambda key: key.name):
            is_open = key not in self._section.lines and key not in self._used
            if key.is_timed or not is_open or key in self._said:
                continue
            recurrent = [other for other in self._recurrent() if _base(other.name) == key.name]
            if len(recurrent) == 1:
                yield f"{key.name} = {recurrent[0].name}"

    def _recurrent(self) -> list[Key]:
        """Return the parameters that stand directly before a state of an earlier step."""
        found: dict[Key, None] = {}
        for line in self._section.lines.values():
            if line.kind != "forward equation":
                continue
            for parameter, state in neighbours(line.statement):
                if self._names.key(state) in self._computed:
                    time = self._names.time(state)
                    key = self._names.key(parameter)
                    if time is not None and time.number < 0 and not key.is_timed:
                        found[key] = None
        return list(found)

    def _gradients(self, losses: list[str]) -> Iterator[str]:
        """Yield dW = ∂L/∂W, where a claim speaks of dW and nothing says what that is."""
        if not losses:
            return
        for left in self._lefts:
            pieces = compound(left)
            if pieces is None or len(pieces[1]) != 1:
                continue
            first, (symbol,) = pieces
            if not is_symbol(symbol):
                continue
            key = self._names.key(symbol)
            named = Key(f"{first.text} {key.name}", key.is_timed)
            if named in self._section.lines or not (key in self._used or key in self._computed):
                continue
            written = at_step(key.name) if key.is_timed else key.name
            yield f"{first.text} {written} = \\frac{{\\partial {losses[0]}}}{{\\partial {written}}}"

    def _last_step(self) -> Iterator[str]:
        """Yield that τ is the last step, where sums over the steps end there and none at T."""
        ends = {
            node.upper.word
            for statement in self._section.statements
            for side in statement.sides
            for node in syntax.walk(side)
            if isinstance(node, syntax.Series) and _runs_over_steps(node)
            if node.upper is not None and node.upper.word is not None
        }
        if len(ends) == 1 and ends.isdisjoint({"T", "t", "k"}):
            yield f"{ends.pop()} = T"


def _runs_over_steps(node: syntax.Series) -> bool:
    """Tell ∑_{t=1} and ∑_{t=0} from other sums."""
    return [bound.word for bound in node.bounds] in (["t", "0"], ["t", "1"])


def neighbours(statement: syntax.Statement) -> Iterator[tuple[syntax.Symbol, syntax.Symbol]]:
    """Yield the pairs of symbols that stand side by side in an equation."""
    for side in statement.sides:
        for node in syntax.walk(side):
            if isinstance(node, syntax.Chain):
                for first, second in pairwise(node.parts):
                    if isinstance(first, syntax.Name | syntax.Scripted) and isinstance(
                        second, syntax.Name | syntax.Scripted
                    ):
                        yield first, second


def at_step(name: str) -> str:
    """Return a name at step t.

    Examples
    --------
    >>> at_step("E"), at_step("\\\\delta^{a}"), at_step("W_{rec}")
    ('E_t', '\\\\delta_t^{a}', 'W_{rec,t}')
    """
    match = re.fullmatch(r"(?P<base>[^_^]+)(?:_(?P<below>\{[^{}]*\}|.))?(?P<above>\^.+)?", name)
    if match is None:
        return f"{name}_t"
    below = (match["below"] or "").strip("{}")
    return f"{match['base']}_{{{below},t}}" if below else f"{match['base']}_t{match['above'] or ''}"


def undecorated(name: str) -> str:
    """Return a name without its accents: ŷ is y."""
    return plain(re.sub(r"\\(?:hat|widehat|tilde|widetilde|bar|overline)\s*", "", name))


def _base(name: str) -> str:
    return re.split(r"[_^]", name, maxsplit=1)[0]


__all__ = ["assumptions"]
