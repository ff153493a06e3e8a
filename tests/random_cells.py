"""Random well-typed cells: systems of forward equations over the operations of the language."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

SMOOTH = ("\\tanh", "\\operatorname{sigmoid}", "\\operatorname{softplus}")
KINKED = ("\\operatorname{relu}",)
#: Letters for quantities, none of which has a meaning of its own in the language.
LETTERS = ("u", "v", "w", "z", "r", "o", "p", "m", "n")


@dataclass
class Text:
    """A text that grows: its equations, its declarations, its parameters by number."""

    draw: DrawFn
    is_smooth: bool
    equations: list[str] = field(default_factory=list)
    declarations: list[str] = field(default_factory=list)
    parameters: int = 0

    def one_of(self, *choices: str) -> str:
        """Draw one of some texts."""
        return self.draw(st.sampled_from(choices))

    def flip(self) -> bool:
        """Draw a yes or no; no is the simpler case."""
        return self.draw(st.booleans())

    def matrix(self) -> str:
        """Return a new weight matrix."""
        self.parameters += 1
        return f"W_{{{self.parameters}}}"

    def vector(self) -> str:
        """Return a new bias."""
        self.parameters += 1
        return f"b_{{{self.parameters}}}"

    def scalar(self) -> str:
        """Return a new scalar parameter."""
        self.parameters += 1
        name = f"\\lambda_{{{self.parameters}}}"
        self.declarations.append(f"{name} is a scalar")
        return name

    def function(self) -> str:
        """Draw a scalar function."""
        return self.one_of(*SMOOTH, *(() if self.is_smooth else KINKED))


@dataclass(frozen=True)
class Vector:
    """A vector that expressions may use, and which others have its size."""

    text: str
    size: str


def preactivation(text: Text, known: list[Vector]) -> str:
    """Draw a sum of weighted vectors, which fits any size."""
    terms = []
    for _ in range(text.draw(st.integers(1, 2))):
        first, second = (text.draw(st.sampled_from(known)) for _ in range(2))
        inner = text.draw(st.integers(0, 2))
        if inner == 0:
            terms.append(f"{text.matrix()} {first.text}")
        elif inner == 1:
            terms.append(f"{text.matrix()} [{first.text}; {second.text}]")
        else:
            terms.append(f"{text.matrix()} ({elementwise(text, first, known)})")
    if text.flip():
        terms.append(text.vector())
    return " + ".join(terms)


def elementwise(text: Text, vector: Vector, known: list[Vector]) -> str:
    """Draw an elementwise expression of a vector's size."""
    alike = [other for other in known if other.size == vector.size]
    other = text.draw(st.sampled_from(alike))
    shared = text.draw(st.sampled_from(known))
    makers = [
        lambda: f"{vector.text} \\odot {other.text}",
        lambda: f"1 - {vector.text}",
        lambda: f"{text.function()}({vector.text})",
        lambda: f"{squared(vector.text)}",
        lambda: f"\\frac{{1}}{{2}} {vector.text} - {other.text}",
        lambda: f"\\frac{{{vector.text}}}{{2 + \\tanh({other.text})}}",
        lambda: f"{text.scalar()} {vector.text}",
        lambda: f"({shared.text}^\\top {shared.text}) {vector.text}",
        lambda: f"{text.vector()} \\odot {vector.text}",
    ]
    if not text.is_smooth:
        makers += [
            lambda: f"\\max(0, {vector.text})",
            lambda: f"\\max({vector.text}, {other.text} - {text.vector()})",
        ]
    return text.draw(st.sampled_from(makers))()


def squared(name: str) -> str:
    return f"({name})^2"


def state_equation(text: Text, name: str, known: list[Vector], step: str) -> None:
    """Draw what computes a state: a function of a sum, a gate, a leak, a highway."""
    own = Vector(f"{name}_{{t{step}1}}", name)
    seen = [*known, own]
    kind = text.one_of("plain", "gated", "leaky", "decay", "preactivation", "two lags")
    if kind == "preactivation":
        right = f"{text.matrix()} \\tanh({own.text}) + {preactivation(text, known)}"
        text.equations.append(f"{name}_t = {right}")
        return
    if kind == "two lags":
        right = f"\\tanh({preactivation(text, seen)} + {text.matrix()} {name}_{{t{step}2}})"
        text.equations.append(f"{name}_t = {right}")
        return
    new = f"{text.function()}({preactivation(text, seen)} + {text.matrix()} {own.text})"
    if kind == "gated":
        text.equations.append(
            f"g^{name}_t = \\operatorname{{sigmoid}}({preactivation(text, seen)})"
        )
        right = f"g^{name}_t \\odot {own.text} + (1 - g^{name}_t) \\odot {new}"
    elif kind == "leaky":
        rate = text.scalar()
        right = f"(1 - {rate}) {own.text} + {rate} {new}"
    elif kind == "decay":
        right = f"{text.vector()} \\odot {own.text} + {new}"
    else:
        right = new
    text.equations.append(f"{name}_t = {right}")


def matrix_state(text: Text, known: list[Vector]) -> str:
    """Draw a matrix that carries time, and return what is read out of it."""
    left, right, query = (text.draw(st.sampled_from(known)) for _ in range(3))
    if text.flip():
        decay = "\\beta_t"
        text.equations.append(
            f"{decay} = \\operatorname{{sigmoid}}({text.vector()}^\\top {query.text})"
        )
    else:
        decay = text.scalar()
    columns = f"({text.matrix()} {right.text})"
    text.equations.append(
        f"M_t = {decay} M_{{t-1}} + \\tanh({text.matrix()} {left.text}) {columns}^\\top"
    )
    return f"M_t ({text.matrix()} {query.text})"


@st.composite
def cells(draw: DrawFn) -> str:
    """Draw the text of a network."""
    starts_at_zero = draw(st.booleans())
    # A state that is zero at first puts a kinked function on its kink.
    text = Text(draw, is_smooth=starts_at_zero)
    known = [Vector("x_t", "x")]
    names = []
    # Something must tell how many steps there are.
    text.equations.append(f"i_t = {text.matrix()} x_t")
    known.append(Vector("i_t", "i"))
    for number in range(draw(st.sampled_from((1, 1, 2, 2, 3)))):
        name = "hsc"[number]
        looks_ahead = number > 0 and draw(st.integers(0, 3)) == 0
        state_equation(text, name, known, "+" if looks_ahead else "-")
        names.append(name)
        known.append(Vector(f"{name}_t", name))
        if draw(st.booleans()):
            quantity = LETTERS[number]
            base = draw(st.sampled_from(known))
            is_weighted = draw(st.booleans())
            right = preactivation(text, known) if is_weighted else elementwise(text, base, known)
            text.equations.append(f"{quantity}_t = {right}")
            known.append(Vector(f"{quantity}_t", quantity if is_weighted else base.size))
    read_out = preactivation(text, known[1:])
    if draw(st.integers(0, 3)) == 0:
        read_out += f" + {matrix_state(text, known)}"
        names.append("M")
    loss(text, read_out)
    if starts_at_zero:
        zeros = first_values(text.equations, names)
        text.equations += zeros
    return "\n".join([*text.equations, *text.declarations])


def first_values(equations: list[str], names: list[str]) -> list[str]:
    """Return equations that set every state to zero before its first step, or behind its last."""
    written = "\n".join(equations)
    lines = []
    for name in names:
        if f"{name}_{{t+" in written:
            lines.append(f"{name}_{{T+1}} = 0")
        if f"{name}_{{t+2}}" in written:
            lines.append(f"{name}_{{T+2}} = 0")
        if f"{name}_{{t-" in written:
            lines.append(f"{name}_0 = 0")
        if f"{name}_{{t-2}}" in written:
            lines.append(f"{name}_{{-1}} = 0")
    return lines


def loss(text: Text, read_out: str) -> None:
    """Draw a read-out and a loss."""
    kind = text.one_of(
        "squares", "one-hot", "label", "binary", "unspecified", "norm", "inner product"
    )
    target = "y_t is the target"
    if kind == "squares":
        lines = [f"\\hat{{y}}_t = {read_out}", r"E_t = \frac{1}{2} \|y_t - \hat{y}_t\|^2"]
    elif kind in ("one-hot", "label"):
        lines = [f"\\hat{{y}}_t = softmax({read_out})"]
        is_label = kind == "label"
        picked = r"-\log [\hat{y}_t]_{y_t}" if is_label else r"-y_t^\top \log \hat{y}_t"
        lines.append(f"E_t = {picked}")
        target = "y_t is a label" if is_label else "y_t is one-hot"
    elif kind == "binary":
        lines = [
            f"\\hat{{y}}_t = sigmoid({read_out})",
            r"E_t = -y_t^\top \log \hat{y}_t - (1 - y_t)^\top \log(1 - \hat{y}_t)",
        ]
    elif kind == "unspecified":
        lines, target = [f"\\hat{{y}}_t = {read_out}"], "E_t depends on \\hat{y}_t"
    elif kind == "norm":
        lines, target = [f"E_t = \\|\\tanh({read_out})\\|^2"], ""
    else:
        lines = [f"\\hat{{y}}_t = {read_out}", r"E_t = y_t^\top \hat{y}_t"]
    text.equations += lines
    text.declarations += [target] if target else []
    if text.flip():
        text.equations.append("E = E_T")
