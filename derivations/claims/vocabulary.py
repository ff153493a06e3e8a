"""What the scripts of a symbol are: labels, the step, an entry, a power, a transpose.

LaTeX does not tell them apart: the t of h^t may be a step and the i of W_{ij} an entry. The source
does, by the names that it uses elsewhere; of the ways to split the scripts, the cheapest one wins
that ends in a known name.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from derivations.claims.steps import Step
from derivations.notation import syntax
from derivations.notation.names import canonical, spelled

_TRANSPOSES = frozenset({"\\top", "\\intercal", "T", "\\mathsf{T}", "\\mathrm{T}", "\\mathbf{T}"})
_FONT = re.compile(
    r"\\(text|textrm|textbf|textit|mathrm|mathbf|mathsf|mathit|boldsymbol|bm|operatorname\*?"
    r"|mathbb)\s*\{([^{}]*)\}"
)
_WIDE = {"\\widehat": "\\hat", "\\widetilde": "\\tilde", "\\overline": "\\bar"}


#: Where the step stands in the labels of a `Spelling`.
SLOT = "\0"


@dataclass(frozen=True)
class Spelling:
    """How the source writes a name: its base and its scripts, with `SLOT` where the step stands."""

    base: str
    below: tuple[str, ...] = ()
    above: tuple[str, ...] = ()

    def at(self, step: str | None, power: str = "") -> str:
        """Return the LaTeX of the name at a step, with a power or a transpose."""
        lower, upper = (
            ", ".join(labels).replace(SLOT, step or "") for labels in (self.below, self.above)
        )
        base = self.base + _script("_", lower)
        if power and upper:
            return f"({base}{_script('^', upper)}){_script('^', power)}"
        return base + _script("^", upper or power)


def _script(sign: str, text: str) -> str:
    if not text:
        return ""
    is_one_token = (len(text) == 1 and text != SLOT) or re.fullmatch(
        r"\\[a-zA-Z]+", text
    ) is not None
    return sign + (text if is_one_token else f"{{{text}}}")


@dataclass(frozen=True)
class Split:
    """A symbol whose scripts are told apart."""

    name: str
    time: Step | None = None
    entries: tuple[Step, ...] = ()
    power: Step | None = None
    transposed: bool = False
    is_known: bool = False


@dataclass
class Vocabulary:
    """The names of a source, collected while it is read.

    Attributes
    ----------
    timed : dict of name to Spelling
    untimed : dict of name to Spelling
    functions : set of str
        Names that are applied to an argument.
    aliases : dict of name to Step
        Names that stand for a step, such as n_{seq} for T.
    running : str
        The letter that counts the steps of the forward equations.
    """

    timed: dict[str, Spelling] = field(default_factory=dict)
    untimed: dict[str, Spelling] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    aliases: dict[str, Step] = field(default_factory=dict)
    running: str = "t"
    _plain: dict[str, str] = field(default_factory=dict)

    def learn(self, name: str, spelling: Spelling, *, is_timed: bool) -> None:
        """Remember a name."""
        (self.timed if is_timed else self.untimed).setdefault(name, spelling)
        self._plain.setdefault(plain(name), name)

    def known(self, name: str) -> str | None:
        """Return the known name that is meant: itself, or the one that differs only in fonts."""
        if name in self.timed or name in self.untimed:
            return name
        return self._plain.get(plain(name))

    def spelling(self, name: str) -> Spelling:
        return self.timed.get(name) or self.untimed.get(name) or Spelling(name)

    # Splitting

    def split(self, node: syntax.Name | syntax.Scripted) -> Split:
        """Return the cheapest meaning of a symbol's scripts."""
        if isinstance(node, syntax.Name):
            name = self.known(node.text)
            return Split(name or node.text, is_known=name is not None and name in self.untimed)
        if not isinstance(node.base, syntax.Name):
            return Split("?")
        best = min(self._ways(node), key=lambda way: way[0], default=None)
        if best is not None:
            return best[1]
        return self._unknown(node)

    def _ways(self, node: syntax.Scripted) -> Iterator[tuple[int, Split]]:
        """Yield every split that ends in a known name, with its cost."""
        assert isinstance(node.base, syntax.Name)
        below = [self._roles(index, "_") for index in node.subscripts]
        above = [self._roles(index, "^") for index in node.superscripts]
        if len(below) + len(above) > 6:
            return
        for roles in itertools.product(*below, *above):
            made = self._joined(node, roles[: len(below)], roles[len(below) :])
            if made is not None:
                yield made

    def _roles(self, index: syntax.Index, sign: str) -> list[_Role]:
        """Return what one script may be, with the cost of taking it so."""
        step = self.step_of(index)
        roles = [_Role("label", 0, label=_label(index))]
        if sign == "^" and (index.word or "").strip() in _TRANSPOSES:
            roles.append(_Role("transpose", 1))
        if step is not None:
            roles.append(_Role("time", 1, step=step))
            if sign == "^" and not index.bracketed:
                roles.append(_Role("power", 2, step=step))
        if sign == "^" and (index.word or "").startswith("\\odot"):
            digits = (index.word or "").removeprefix("\\odot").strip()
            if digits.isdigit():
                roles.append(_Role("power", 2, step=Step((), int(digits))))
        if sign == "_":
            entries = self._entries(index)
            if entries:
                roles.append(_Role("entry", 3, entries=entries))
            if re.fullmatch("[1-9]{2}", index.word or ""):  # W_{11}
                positions = tuple(Step((), int(digit)) for digit in index.word or "")
                roles.append(_Role("entry", 2, entries=positions))
        if index.symbol is not None:
            roles += self._nested_roles(index.symbol)
        return roles

    def _entries(self, index: syntax.Index) -> tuple[Step, ...]:
        step = self.step_of(index)
        if step is not None:
            return (step,)
        word = index.word or ""
        if len(word) == 2 and word.isalpha():
            return tuple(map(Step.letter, word))
        return ()

    def _nested_roles(self, symbol: syntax.Scripted) -> list[_Role]:
        """A symbol in a script: a label with the step (δ_{h_t}), or a step with an entry."""
        if not isinstance(symbol.base, syntax.Name):
            return []
        roles = []
        outer = self.step_of(syntax.Index(((1, symbol.base.text),), symbol.span))
        inner = [step for index in symbol.subscripts for step in self._entries(index)]
        if outer is not None and inner and not symbol.superscripts:
            roles.append(_Role("time", 2, step=outer, entries=tuple(inner)))
        for scripts, others in (
            (symbol.subscripts, symbol.superscripts),
            (symbol.superscripts, symbol.subscripts),
        ):
            for position, index in enumerate(scripts):
                step = self.step_of(index)
                if step is None:
                    continue
                rest = [_label(i) for n, i in enumerate(scripts) if n != position]
                labels = (rest, [_label(i) for i in others])
                if scripts is symbol.superscripts and scripts is not symbol.subscripts:
                    labels = (labels[1], labels[0])
                roles.append(
                    _Role("time", 1, step=step, label=canonical(symbol.base.text, *labels))
                )
        return roles

    def _joined(
        self, node: syntax.Scripted, below: tuple[_Role, ...], above: tuple[_Role, ...]
    ) -> tuple[int, Split] | None:
        assert isinstance(node.base, syntax.Name)
        every = (*below, *above)
        times = [role for role in every if role.kind == "time"]
        powers = [role.step for role in every if role.kind == "power"]
        if len(times) > 1 or len(powers) > 1:
            return None
        base = node.base.text + "'" * node.primes
        name = self.known(
            canonical(
                base, [r.label for r in below if r.label], [r.label for r in above if r.label]
            )
        )
        if name is None or (name not in self.timed if times else name not in self.untimed):
            return None
        cost = sum(role.cost for role in every)
        return cost, Split(
            name,
            times[0].step if times else None,
            tuple(entry for role in every for entry in role.entries),
            powers[0] if powers else None,
            any(role.kind == "transpose" for role in every),
            True,
        )

    def _unknown(self, node: syntax.Scripted) -> Split:
        """Split by custom: a T above is a transpose, a digit above a power, a step a step."""
        base, below, above, time, power, transposed = unknown_parts(self, node)
        return Split(canonical(base, below, above), time, (), power, transposed, False)

    def step_of(self, index: syntax.Index) -> Step | None:
        """Return the step that an index names, or None if it cannot be one."""
        if index.equals is not None:
            return None
        if index.symbol is not None:
            return self.aliases.get(
                canonical(
                    index.symbol.base.text if isinstance(index.symbol.base, syntax.Name) else "?",
                    [_label(i) for i in index.symbol.subscripts],
                    [_label(i) for i in index.symbol.superscripts],
                )
            )
        result = Step()
        for sign, term in index.terms:
            if term.isdigit():
                step: Step | None = Step((), int(term))
            elif (found := re.fullmatch(r"([0-9]+)([a-zA-Z])", term)) is not None:
                step = Step(((found[2], int(found[1])),), 0)
            elif term in self.aliases:
                step = self.aliases[term]
            else:
                step = Step.letter(term) if len(term) == 1 and term.isalpha() else None
            if step is None:
                return None
            result = result.plus(step, sign)
        return result

    def mentions_running(self, index: syntax.Index) -> bool:
        step = self.step_of(index)
        return step is not None and self.running in step.names


@dataclass(frozen=True)
class _Role:
    kind: str
    cost: int
    step: Step | None = None
    label: str = ""
    entries: tuple[Step, ...] = ()


def _label(index: syntax.Index) -> str:
    text = spelled(index)
    if index.equals is not None:
        text += "=" + spelled(index.equals)
    return text


def unknown_parts(
    vocabulary: Vocabulary, node: syntax.Scripted
) -> tuple[str, list[str], list[str], Step | None, Step | None, bool]:
    """Return base, labels, time, power and transpose of a symbol that nothing else explains.

    The running step is time wherever it stands; a lone letter or number below is time, too.
    """
    assert isinstance(node.base, syntax.Name)
    below, above = list(node.subscripts), list(node.superscripts)
    transposed, power = False, None
    for index in list(above):
        step = vocabulary.step_of(index)
        if (index.word or "").strip() in _TRANSPOSES:
            transposed = True
            above.remove(index)
        elif step is not None and not step.letters and not index.bracketed:
            power = step
            above.remove(index)
    time: Step | None = None
    labels_below = list(map(_label, below))
    labels_above = list(map(_label, above))
    for labels, scripts in ((labels_below, below), (labels_above, above)):
        for index in scripts:
            if time is not None:
                break
            if vocabulary.mentions_running(index):
                time = vocabulary.step_of(index)
                labels.remove(_label(index))
            elif index.symbol is not None:
                nested = _nested_time(vocabulary, index.symbol)
                if nested is not None:
                    time = nested[1]
                    labels[labels.index(_label(index))] = nested[0]
    base = node.base.text + "'" * node.primes
    return base, labels_below, labels_above, time, power, transposed


def _nested_time(vocabulary: Vocabulary, symbol: syntax.Scripted) -> tuple[str, Step] | None:
    if not isinstance(symbol.base, syntax.Name):
        return None
    for is_below, scripts in ((True, symbol.subscripts), (False, symbol.superscripts)):
        for index in scripts:
            if vocabulary.mentions_running(index):
                step = vocabulary.step_of(index)
                assert step is not None
                rest = [_label(i) for i in scripts if i is not index]
                others = symbol.superscripts if is_below else symbol.subscripts
                labels = [_label(i) for i in others]
                below, above = (rest, labels) if is_below else (labels, rest)
                return canonical(symbol.base.text, below, above), step
    return None


def spelling_of(vocabulary: Vocabulary, node: syntax.Name | syntax.Scripted, text: str) -> Spelling:
    """Return how a symbol is written, with a slot for the step.

    Parameters
    ----------
    text : str
        What the spans of the node point into.
    """
    if isinstance(node, syntax.Name):
        return Spelling(node.text)
    assert isinstance(node.base, syntax.Name)
    below = _slotted(vocabulary, node.subscripts, text, is_below=True)
    above = _slotted(vocabulary, node.superscripts, text, is_below=False)
    return Spelling(node.base.text + "'" * node.primes, below, above)


def _slotted(
    vocabulary: Vocabulary, scripts: tuple[syntax.Index, ...], text: str, *, is_below: bool
) -> tuple[str, ...]:
    labels = []
    for index in scripts:
        if vocabulary.mentions_running(index):
            brackets = "\\langle {} \\rangle" if "langle" in text[slice(*index.span)] else "({})"
            labels.append((brackets if index.bracketed else "{}").format(SLOT))
        elif index.symbol is not None and _nested_time(vocabulary, index.symbol) is not None:
            labels.append(spelling_of(vocabulary, index.symbol, text).at(SLOT))
        elif is_below or not (
            (index.word or "").strip() in _TRANSPOSES
            or ((index.word or "").isdigit() and not index.bracketed)
        ):
            labels.append(_label(index))
    return tuple(labels)


def plain(name: str) -> str:
    """Return a name without fonts, and with one spelling of every accent."""
    previous = ""
    while previous != name:
        previous = name
        name = _FONT.sub(r"\2", name)
    for wide, narrow in _WIDE.items():
        name = name.replace(wide, narrow)
    return re.sub(r"[\s{}]", "", name)


def letters_of(steps: Mapping[str, Step]) -> frozenset[str]:
    """Return every letter in some steps."""
    return frozenset().union(*(step.names for step in steps.values()))
