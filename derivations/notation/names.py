"""Names: one canonical LaTeX spelling, what its scripts mean, and its spelling in program code."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from sympy import Expr, Integer, Symbol

from derivations.activations import FUNCTIONS, ScalarFunction
from derivations.errors import NotationError
from derivations.expressions import T, t, timeless
from derivations.notation.lexer import GREEK_WORDS
from derivations.notation.parse import parse_symbol
from derivations.notation.syntax import Index, Name, Scripted

Shape = tuple[Expr, Expr]

#: Larger exponents are refused; a power is a product of that many factors.
LARGEST_EXPONENT = 99

#: What has no size of its own: ones, the identity, and unit vectors, whose subscript is a label.
ONES, IDENTITY, UNITS = "\\mathbf{1}", "\\mathbf{I}", ("\\mathbf{e}", "e")
#: Functions of a whole vector or matrix, and of two of them.
WHOLE_FUNCTIONS = frozenset({"\\softmax", "\\diag", "\\operatorname{vec}", "\\max"})

_TRANSPOSES = frozenset({"\\top", "\\intercal", "T"})


@dataclass(frozen=True)
class Scope:
    """What the names in a formula mean.

    Attributes
    ----------
    shapes : mapping of str to (rows, columns)
        Every symbol that is known, by its canonical name.
    temporal : frozenset of str
        The names of the quantities that carry time.
    timeless : frozenset of str
        Computed quantities without a time, such as the total loss.
    functions : mapping of str to ScalarFunction
        What the user's function names stand for.
    labels : frozenset of str
        The names of the data that are integers, each of which picks an entry of a vector.
    """

    shapes: Mapping[str, Shape] = field(default_factory=dict)
    temporal: frozenset[str] = frozenset()
    timeless: frozenset[str] = frozenset()
    functions: Mapping[str, ScalarFunction] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()

    def function(self, name: str) -> ScalarFunction | None:
        """Return the scalar function behind a name, the user's own meaning first."""
        own = self.functions.get(name)
        if own is not None or name in self.shapes:
            return own
        return FUNCTIONS.get(name.removeprefix("\\"))


@dataclass(frozen=True)
class Meaning:
    """A symbol after its scripts were told apart.

    Attributes
    ----------
    name : str
        Canonical name, labels included, time excluded.
    time : Expr or None
        The step, if one was written.
    power : Expr or None
        An elementwise power.
    transposed : bool
        Whether a transpose was written.
    """

    name: str
    time: Expr | None = None
    power: Expr | None = None
    transposed: bool = False


def canonical(base: str, below: list[str], above: list[str]) -> str:
    """Return the canonical LaTeX of a name with its labels.

    Examples
    --------
    >>> canonical("W", ["rec"], []), canonical("W", [], ["s"])
    ('W_{rec}', 'W^s')
    """
    return base + _script("_", ",".join(below)) + _script("^", ",".join(above))


def _script(sign: str, text: str) -> str:
    if not text:
        return ""
    is_one_token = len(text) == 1 or re.fullmatch(r"\\[a-zA-Z]+", text) is not None
    return sign + (text if is_one_token else f"{{{text}}}")


def spelled(index: Index) -> str:
    """Return an index as it is written in a name."""
    first_sign, first = index.terms[0]
    text = ("-" if first_sign < 0 else "") + first
    text += "".join(("+" if sign > 0 else "-") + term for sign, term in index.terms[1:])
    return f"({text})" if index.bracketed else text


def time_of(index: Index) -> Expr | None:
    """Return the step that an index names, or None if it cannot be one.

    A step is a signed sum of numbers and one-letter names.
    """
    value: Expr = Integer(0)
    for sign, term in index.terms:
        if term.isdigit():
            value += sign * int(term)
        elif len(term) == 1:
            value += sign * time_symbol(term)
        else:
            return None
    return value


def time_symbol(letter: str) -> Symbol:
    """Return the integer symbol for a letter that counts steps."""
    return {"t": t, "T": T}.get(letter) or Symbol(letter, integer=True)


def mentions_time(index: Index) -> bool:
    """Tell whether an index is the running step t, shifted or not."""
    return any(term == "t" for _, term in index.terms) and time_of(index) is not None


def meaning(symbol: Name | Scripted, temporal: frozenset[str]) -> Meaning:
    """Tell labels, time, powers and transposes of a symbol apart.

    Parameters
    ----------
    symbol : Name or Scripted
        The symbol with its scripts.
    temporal : frozenset of str
        The names that carry time; an index of such a name is a step.

    Raises
    ------
    NotationError
        When the symbol has no name at its base.

    Examples
    --------
    >>> meaning(parse_symbol("h_{t-1}^\\\\top"), frozenset({"h"}))
    Meaning(name='h', time=t - 1, power=None, transposed=True)
    """
    if isinstance(symbol, Name):
        return Meaning(symbol.text)
    if not isinstance(symbol.base, Name):
        raise NotationError("A symbol was expected here.")
    above: list[Index] = []
    power: Expr | None = None
    transposed = False
    for index in symbol.superscripts:
        text = spelled(index)
        if index.word in _TRANSPOSES:
            transposed = True
        elif re.fullmatch(r"(\\odot)?-?\d+", text):
            power = Integer(int(text.removeprefix("\\odot")))
            if abs(power) > LARGEST_EXPONENT:
                raise NotationError(f"Exponents go up to {LARGEST_EXPONENT}.")
        else:
            above.append(index)
    below = list(symbol.subscripts)
    base = symbol.base.text
    for scripts in (below, above):
        for position, index in enumerate(scripts):
            time = time_of(index)
            rest = scripts[:position] + scripts[position + 1 :]
            labels = (rest, above) if scripts is below else (below, rest)
            name = canonical(base, *([spelled(label) for label in group] for group in labels))
            if time is not None and name in temporal:
                return Meaning(name, time, power, transposed)
    name = canonical(base, [spelled(i) for i in below], [spelled(i) for i in above])
    return Meaning(name, None, power, transposed)


def temporal_name(symbol: Name | Scripted) -> str | None:
    """Return the name of a symbol that is written with the running step t, or None."""
    if isinstance(symbol, Name) or not isinstance(symbol.base, Name):
        return None
    for scripts in (symbol.subscripts, symbol.superscripts):
        for position, index in enumerate(scripts):
            if mentions_time(index) and (scripts is symbol.subscripts or index.bracketed):
                labels = [spelled(i) for i in (*scripts[:position], *scripts[position + 1 :])]
                above = [
                    spelled(i)
                    for i in symbol.superscripts
                    if i.word not in _TRANSPOSES and not spelled(i).lstrip("-").isdigit()
                ]
                if scripts is symbol.subscripts:
                    return canonical(symbol.base.text, labels, above)
                below = [spelled(i) for i in symbol.subscripts]
                return canonical(symbol.base.text, below, labels)
    return None


@cache
def parts(name: str) -> tuple[str, str, str]:
    """Split a canonical name into its base, its lower and its upper labels."""
    symbol = parse_symbol(name)
    assert isinstance(symbol.base, Name)
    below = ",".join(spelled(index) for index in symbol.subscripts)
    return symbol.base.text, below, ",".join(spelled(index) for index in symbol.superscripts)


def at_time(name: str, time: Expr) -> str:
    """Return the LaTeX of a quantity at a step.

    Examples
    --------
    >>> at_time("\\\\hat{y}", t - 1)
    '\\\\hat{y}_{t-1}'
    """
    if time == timeless:
        return name
    base, below, above = parts(name)
    step = show_time(time)
    return base + _script("_", f"{below},{step}" if below else step) + _script("^", above)


@cache  # a derivation has a handful of steps, and thousands of quantities at them
def show_time(time: Expr) -> str:
    """Return a step as it is written in an index: letters first, then the number."""
    letters = sorted(time.free_symbols, key=lambda symbol: symbol.name)
    text = ""
    for letter in letters:
        factor = time.coeff(letter)
        sign = "-" if factor < 0 else ("+" if text else "")
        text += sign + ("" if abs(factor) == 1 else str(abs(factor))) + letter.name
    number = time.subs(dict.fromkeys(letters, 0))
    if number == 0 and text:
        return text
    return text + (f"{int(number):+d}" if text else str(int(number)))


_SPELLED_ACCENTS = {
    **{accent: accent for accent in ("hat", "tilde", "bar", "vec", "dot")},
    "widehat": "hat",
    "widetilde": "tilde",
    "overline": "bar",
    "overrightarrow": "forward",
    "overleftarrow": "backward",
}


def identifier(name: str) -> str:
    """Return the name in program code.

    Raises
    ------
    NotationError
        When the name gives no identifier, or one that Python keeps for itself.

    Examples
    --------
    >>> identifier("W_{rec}"), identifier("\\\\hat{y}"), identifier("\\\\delta^{a}")
    ('W_rec', 'y_hat', 'delta_a')
    """
    base, below, above = parts(name)
    code = _plain(base)
    for label in (below, above):
        for word in filter(None, label.split(",")):
            code += "_" + re.sub(r"[^A-Za-z0-9_]+", "_", _plain(word)).strip("_")
    if keyword.iskeyword(code) and code in GREEK_WORDS:
        return code + "_"
    if not code.isidentifier() or not code.isascii():
        raise NotationError(f"The name {name} gives no identifier for the emitted code.")
    if keyword.iskeyword(code) or keyword.issoftkeyword(code) or hasattr(builtins, code):
        raise NotationError(f"The name {code} is taken by Python itself.")
    return code


def _plain(base: str) -> str:
    """Take accents and fonts off a base: ``\\hat{\\mathbf{y}}`` is ``y_hat``."""
    match = re.fullmatch(r"\\([a-zA-Z]+)\*?\s*\{(.*)\}", base)
    if match is None:
        return base.removeprefix("\\")
    command, inner = match.groups()
    accent = _SPELLED_ACCENTS.get(command)
    return _plain(inner) + (f"_{accent}" if accent else "")
