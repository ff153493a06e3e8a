"""What people write becomes a model, or one error that points at the place."""

from __future__ import annotations

import random
import re
import string
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derivations import cell_names, derive
from derivations.errors import LONGEST_SHOWN, BpttError, ModelError, NotationError, ShapeError
from derivations.expressions import Unspecified
from derivations.library import cell_text
from derivations.model import Model

CELL = "h_t = tanh(W h_{t-1} + U x_t + b)\nE_t depends on h_t\n"
SECONDS = 2.0


def names(symbols: object) -> list[str]:
    return [symbol.name for symbol in symbols]  # type: ignore[attr-defined]


# Good input: roles


def test_roles() -> None:
    model = Model.read(
        """# A network
        h_t = \\sigma(W_{rec} h_{t-1} + W_{in} x_t + b)
        \\hat{y}_t = \\text{softmax}(V h_t + c)
        E_t = -y_t^\\top \\log \\hat{y}_t
        \\sigma is tanh
        x_t is the input
        y_t is one-hot
        """
    )
    assert model.title == "A network"
    assert names(model.parameters) == ["W_{rec}", "W_{in}", "b", "V", "c"]
    assert names(model.states) == ["h"]
    assert names(model.data) == ["x", "y"]
    assert model.targets == model.one_hot == {"y"}
    assert (model.loss.name, model.total.name) == ("E", "E")
    assert [d.quantity.name for d in model.definitions] == ["h", "\\hat{y}", "E", "E"]
    assert model.scope.functions["\\sigma"].name == "tanh"
    assert model.warnings == ()


def test_shapes() -> None:
    shapes = Model.read(
        "h_t = tanh(W h_{t-1} + U x_t + b)\ny_t = V h_t\nE_t = \\frac12 \\|d_t - y_t\\|^2"
    ).scope.shapes
    assert {name: " × ".join(map(str, shape)) for name, shape in shapes.items()} == {
        "h": "n × 1", "W": "n × n", "U": "n × m", "x": "m × 1", "b": "n × 1",
        "y": "q × 1", "V": "q × n", "d": "q × 1", "E": "1 × 1",
    }  # fmt: skip


def test_declared_shapes() -> None:
    text = CELL + "x_t ∈ R^d\n"
    assert str(Model.read(text).scope.shapes["U"]) == "(n, d)"
    text = CELL + "U \\in \\mathbb{R}^{3 \\times 2}\n"
    assert str(Model.read(text).scope.shapes["x"]) == "(2, 1)"
    assert str(Model.read(text).scope.shapes["W"]) == "(3, 3)"
    text = CELL + "x_t \\in \\mathbb{R}^5 input\n"
    assert str(Model.read(text).scope.shapes["x"]) == "(5, 1)"


def test_target_without_one_hot() -> None:
    model = Model.read(
        "h_t = W h_{t-1}\nE_t = \\|u_t - h_t\\|^2\nu_t is the target\nW is a parameter"
    )
    assert (model.targets, model.one_hot) == ({"u"}, frozenset())


def test_unspecified_loss_and_function() -> None:
    model = Model.read(CELL.replace("tanh", "f") + "f is an elementwise function")
    assert isinstance(model.definition("E").expression, Unspecified)  # type: ignore[union-attr]
    assert model.unspecified_functions == ("f",)


@pytest.mark.parametrize(
    ("text", "total"),
    [
        (CELL + "L is the total loss", "L"),
        (CELL + "L = \\sum_{t=1}^{T} E_t", "L"),
        (CELL.replace("E_t", "\\ell_t"), "\\ell"),
        (CELL + "E = \\sum_{t=1}^{T} E_t", "E"),
        (CELL + "E_t is the loss of step t\nL_t depends on h_t", "E"),
    ],
)
def test_total_loss(text: str, total: str) -> None:
    assert Model.read(text).total.name == total


def test_bias_with_a_time_is_data_and_warned_of() -> None:
    text = "h_t = tanh(W h_{t-1} + U x_t + b_t)\nE_t depends on h_t"
    model = Model.read(text)
    assert names(model.data) == ["x", "b"]
    assert names(model.parameters) == ["W", "U"]
    (warning,) = model.warnings
    assert warning == (
        "b_t carries t and no equation defines it: it is read as data, given anew at every step. "
        "For a bias that all steps share, write b."
    )
    assert Model.read(text + "\nb_t is the input").warnings == ()
    assert Model.read(text.replace("b_t", "b")).warnings == ()


def test_markdown_and_bare_text_are_one_model() -> None:
    bare = Model.read("# Net\n" + CELL + "x_t is the input")
    markdown = Model.read(
        "# Net\n\nSome words on $h_t$.\n\n$$\nh_t = tanh(W h_{t-1} + U x_t + b).\n$$\n\n"
        "More words:\n\n- $E_t$ depends on $h_t$,\n* $x_t$ is the input.\n"
    )
    assert markdown == bare


@pytest.mark.parametrize("sign", ["\n", "\r\n"])
def test_line_ends(sign: str) -> None:
    assert Model.read(CELL.replace("\n", sign)) == Model.read(CELL)


def test_order_of_the_equations_is_free() -> None:
    first, second, third = "h_t = tanh(W h_{t-1})", "y_t = V h_t", "E_t depends on y_t"
    assert (
        Model.read("\n".join([third, second, first])).states
        == Model.read("\n".join([first, second, third])).states
    )


#: What reaches the next step, in the cells in which that is not h alone.
STATES = {
    "bidirectional": ["\\overrightarrow{h}", "\\overleftarrow{h}"],
    "fast-weights": ["S"],
    "jordan": ["\\hat{y}"],
    "lstm": ["h", "c"],
    "lstm-coupled": ["h", "c"],
    "lstm-peephole": ["h", "c"],
    "rhn": ["s"],
    "rnn-preactivation": ["x"],
    "stacked-lstm": ["h^{(1)}", "c^{(1)}", "h^{(2)}", "c^{(2)}"],
    "stacked-rnn": ["h^{(1)}", "h^{(2)}"],
}


@pytest.mark.parametrize("name", cell_names())
def test_library(name: str) -> None:
    model = Model.read(cell_text(name))
    assert names(model.states) == STATES.get(name, ["h"])
    assert model.warnings == ()
    assert model.title
    assert len({str(size) for size in model.sizes}) == len(model.sizes)


def test_activation_is_chosen_by_name() -> None:
    text = CELL.replace("tanh", "\\sigma")
    assert Model.read(text, "relu").scope.functions["\\sigma"].name == "relu"
    with pytest.raises(ModelError, match="no activation 'step'"):
        Model.read(text, "step")
    with pytest.raises(ModelError, match="no σ to choose"):
        Model.read(CELL, "relu")


# Bad input: one error, the line, the caret

LOSS = "\nE_t depends on h_t"

#: What is wrong, the text, the kind of error, words of the message, the line, what the caret marks.
BAD = {
    "not closed": ("h_t = tanh(W h_{t-1}", NotationError, "cannot be read", 1, ""),
    "nothing right of =": ("h_t =" + LOSS, NotationError, "cannot be read", 1, ""),
    "two signs": ("h_t = = W" + LOSS, NotationError, "cannot be read", 1, "="),
    "second line": ("h_t = W h_{t-1}\ny_t = * h_t" + LOSS, NotationError, "cannot be read", 2, "*"),
    "prose": ("just some words", NotationError, "neither an equation", 1, "just some words"),
    "unknown symbol": (
        "h_t = W h_{t-1}\nE_t depends on q_t", ModelError, "q_t is not defined", 2,
        "E_t depends on q_t",
    ),
    "state without equation": (
        "h_t = W q_{t-1}" + LOSS, ModelError, "no equation defines q_t", 1, "q_{t-1}",
    ),
    "defined twice": ("h_t = W h_{t-1}\nh_t = U x_t" + LOSS, ModelError, "defined twice", 2, "h_t"),
    "equation and declaration": (
        "h_t = W h_{t-1}\nE_t = h_t^\\top h_t" + LOSS, ModelError, "declared to be unspecified", 3,
        "E_t depends on h_t",
    ),
    "no loss": (
        "y_t = 2 h_t\nh_t = W h_{t-1}", ModelError, "The loss y_t is no scalar: it is n × 1", 1,
        "y_t = 2 h_t",
    ),
    "two losses": (
        "h_t = W h_{t-1}\nE_t = h_t^\\top h_t\nL_t = h_t^\\top c", ModelError,
        "Which of E_t, L_t is the loss?", 3, "L_t = h_t^\\top c",
    ),
    "future": (
        "h_t = W h_{t-1} + V h_{t+1}" + LOSS, ModelError, "the past and the future at once", 1,
        "h_t = W h_{t-1} + V h_{t+1}",
    ),
    "a first value inside of the steps": (
        "h_t = W h_{t-1}\nh_1 = 0" + LOSS, ModelError, "h_1 is computed by its equation", 2,
        "h_1 = 0",
    ),
    "a first value of what is needed twice": (
        "h_t = W h_{t-1} + V h_{t-2}\nh_0 = 0" + LOSS, ModelError,
        "h_t is never initialised at step -1", 2, "h_0 = 0",
    ),
    "a value behind the last step": (
        "h_t = W h_{t-1}\nh_{T+1} = 0" + LOSS, ModelError, "h_{T+1} is not used", 2, "h_{T+1} = 0",
    ),
    "a function that nobody knows": (
        "h_t = \\sin(W h_{t-1})" + LOSS, NotationError, "There is no function \\sin", 1, "\\sin",
    ),
    "a function with a name": (
        "h_t = \\mathrm{LN}(W h_{t-1})" + LOSS, NotationError, "There is no function \\mathrm{LN}",
        1, "\\mathrm{LN}",
    ),
    "an argument without brackets": (
        "h_t = \\tanh W h_{t-1} + x_t" + LOSS, NotationError, "How much of what follows", 1,
        "\\tanh",
    ),
    "a label as a number": (
        "h_t = W h_{t-1} + V[x_t]\nx_t is a label" + LOSS, ModelError, "x_t is a label", 1, "x_t",
    ),
    "a mean over the steps": (
        "h_t = W h_{t-1}\nL = \\frac1T \\sum_{t=1}^{T} \\|h_t\\|^2", ModelError, "A mean over", 2,
        "L = \\frac1T \\sum_{t=1}^{T} \\|h_t\\|^2",
    ),
    "a constant": (
        "h_t = \\alpha h_{t-1}\n\\alpha = 0.1" + LOSS, ModelError, "defined without a time", 2,
        "\\alpha = 0.1",
    ),
    "rows": ("h_t = h_{t-1} W\nvectors are rows" + LOSS, ModelError, "for columns", 2, None),
    "left side at t+1": (
        "h_{t+1} = W h_t" + LOSS, ModelError, "A forward equation defines h_t", 1, "h_{t+1}",
    ),
    "left side is a product": (
        "W h_t = h_{t-1}" + LOSS, ModelError, "left side of a forward equation is one symbol", 1,
        "W h_t",
    ),
    "left side transposed": (
        "h_t^\\top = h_{t-1}^\\top W" + LOSS, ModelError, "bare symbol", 1, "h_t^\\top",
    ),
    "loop": (
        "h_t = W h_{t-1} + c_t\nc_t = V h_t" + LOSS, ModelError,
        "need each other within one step: h_t, c_t", 1, "h_t = W h_{t-1} + c_t",
    ),
    "loop of one": ("h_t = W h_t" + LOSS, ModelError, "needs itself", 1, "h_t = W h_t"),
    "two columns": (
        "h_t = W h_{t-1} + b x_t" + LOSS, ShapeError, "Two columns cannot be multiplied", 1,
        "h_t = W h_{t-1} + b x_t",
    ),
    "a softmax of a matrix": (
        "h_t = softmax(W) h_{t-1}" + LOSS, ShapeError, "softmax needs a column", 1,
        "softmax(W) h_{t-1}",
    ),
    "norm that is not squared": (
        "h_t = W h_{t-1}\nE_t = \\|h_t\\|", NotationError, "only when it is squared", 2,
        "\\|h_t\\|",
    ),
    "concatenated weights": (
        "h_t = [W, U] h_{t-1}" + LOSS, ShapeError, "Weights cannot be concatenated", 1, "[W, U]",
    ),
    "power of a weight matrix": (
        "h_t = W^2 h_{t-1}" + LOSS, ShapeError, "may mean two things", 1, "W^2",
    ),
    "derivative": (
        "h_t = \\frac{\\partial x_t}{\\partial W} h_{t-1}" + LOSS, NotationError, "no derivative",
        1, "\\frac{\\partial x_t}{\\partial W}",
    ),
    "function without argument": (
        "h_t = W h_{t-1} + tanh" + LOSS, NotationError, "needs an argument", 1, "tanh",
    ),
    "unknown function": (
        "h_t = \\sigma(W h_{t-1})\n\\sigma is step" + LOSS, NotationError, "no function 'step'", 2,
        "\\sigma is step",
    ),
    "unknown declaration": (
        "$$h_t = W h_{t-1}$$\n- h_t hums a tune", NotationError, "not understood", 2,
        "h_t hums a tune",
    ),
    "declared, not used": (
        CELL + "q_t is the input", ModelError, "no equation uses it", 3, "q_t is the input",
    ),
    "parameter as input": (
        CELL + "W is the input", ModelError, "it is a parameter", 3, "W is the input",
    ),
    "state as target": (
        CELL + "h_t is the target", ModelError, "it is computed", 3, "h_t is the target",
    ),
    "data as parameter": (
        CELL + "x_t is a parameter", ModelError, "it carries time", 3, "x_t is a parameter",
    ),
    "shape of steps": (CELL + "x_t ∈ R^T", NotationError, "shape cannot be read", 3, "x_t ∈ R^T"),
    "shape of nothing": (CELL + "x_t ∈ R^0", NotationError, "shape", 3, "x_t ∈ R^0"),
    "$$ not closed": ("$$h_t = W h_{t-1}", NotationError, "not closed", 1, "$$"),
    "empty equation": ("$$ $$", NotationError, "cannot be read", 1, ""),
    "division by zero": (
        "h_t = \\frac{1}{0} W h_{t-1}" + LOSS, BpttError, "zero", 1, "\\frac{1}{0}",
    ),
    "elementwise division by zero": (
        "h_t = W h_{t-1} ⊘ 0" + LOSS, BpttError, "zero", 1, "W h_{t-1} ⊘ 0",
    ),
    "number of too many digits": (
        "h_t = " + "9" * 5000 + " W h_{t-1}" + LOSS, BpttError, "", 1, "9" * 5000,
    ),
    "step of too many digits": ("h_t = W h_{t-" + "9" * 5000 + "}" + LOSS, BpttError, "", 1, None),
    "keyword": ("h_t = class h_{t-1}" + LOSS, NotationError, "taken by Python", 1, "class"),
    "builtin": ("h_t = print h_{t-1}" + LOSS, NotationError, "taken by Python", 1, "print"),
    "keyword in a font": (
        "h_t = \\text{None} h_{t-1}" + LOSS, NotationError, "taken by Python", 1, "\\text{None}",
    ),
    "two words": (
        "h_t = \\text{my name} h_{t-1}" + LOSS, NotationError, "no identifier", 1,
        "\\text{my name}",
    ),
    "name of a module": (
        "h_t = np h_{t-1}" + LOSS, ModelError, "meaning of its own in emitted code", 1, "np",
    ),
    "name of the parameters": (
        "h_t = params h_{t-1}" + LOSS, ModelError, "meaning of its own in emitted code", 1,
        "params",
    ),
    "number of steps": (
        "h_t = T h_{t-1}" + LOSS, ModelError, "meaning of its own in emitted code", 1, "T",
    ),
    "number of sequences": (
        "h_t = B h_{t-1}" + LOSS, ModelError, "meaning of its own in emitted code", 1, "B",
    ),
    "one name in code": (
        "h_t = W_{rec} h_{t-1} + W^{rec} x_t" + LOSS, ModelError,
        "W_{rec} and W^{rec} would both be W_rec", 1, "W^{rec}",
    ),
    "write18": ("h_t = \\write18{ls} h_{t-1}" + LOSS, NotationError, "no symbol", 1, "\\write"),
    "input": ("h_t = \\input{a} h_{t-1}" + LOSS, NotationError, "no symbol", 1, "\\input"),
    "input as a label": (
        "h_t = W_{\\input} h_{t-1}" + LOSS, NotationError, "", 1, None,
    ),
    "dunder": ("h_t = __import__ h_{t-1}" + LOSS, NotationError, "cannot be read", 1, "_"),
    "template": ("h_t = {{ 7*7 }} h_{t-1}" + LOSS, NotationError, "cannot be read", 1, "*"),
    "statement of a template": (
        "h_t = {% x %} h_{t-1}" + LOSS, NotationError, "cannot be read", 1, "%",
    ),
    "interpolation": ("h_t = #{x} h_{t-1}" + LOSS, NotationError, "cannot be read", 1, "#"),
    "backticks": ("h_t = `ls` h_{t-1}" + LOSS, NotationError, "cannot be read", 1, "`"),
    "quotes": ('h_t = W_{"a"} h_{t-1}' + LOSS, NotationError, "cannot be read", 1, '"'),
    "braces": ("h_t = " + "{" * 5000 + "W" + LOSS, NotationError, "nested", 1, "{"),
    "brackets": ("h_t = " + "(" * 5000 + "W" + LOSS, NotationError, "nested", 1, "("),
    "long formula": (
        "h_t = " + "W " * 15000 + "h_{t-1}" + LOSS, NotationError, "characters", 1, "h",
    ),
    "foreign letter": ("ħ_t = W ħ_{t-1}", NotationError, "cannot be read", 1, "ħ"),
    "full-width letter": ("ｈ_t = W ｈ_{t-1}", NotationError, "cannot be read", 1, "ｈ"),
    "superscript two": (
        "h_t = W² h_{t-1}" + LOSS, ShapeError, "may mean two things", 1, "W²",
    ),
    "digit of another script": ("h_t = W_{٣} h_{t-1}" + LOSS, NotationError, "", 1, "٣"),
    "right to left": ("h_t = W h_{t-1}\u202e" + LOSS, NotationError, "cannot be read", 1, None),
}  # fmt: skip


def refusal(text: str) -> BpttError:
    """Return the error of a text of which nothing can be derived; it comes soon."""
    start = time.process_time()
    with pytest.raises(BpttError) as caught:
        derive(Model.read(text))
    assert time.process_time() - start < SECONDS
    return caught.value


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name: str) -> None:
    text, kind, words, line, marked = BAD[name]
    error = refusal(text)
    assert isinstance(error, kind)
    assert words in error.message
    assert error.place is not None
    lines = str(error).split("\n")
    at = next(i for i, shown in enumerate(lines) if re.match(r"  \d+ \| ", shown))
    assert lines[at].startswith(f"  {line} | ")
    source = text.split("\n")[line - 1]
    is_whole = source.isprintable() and len(source) <= LONGEST_SHOWN
    assert lines[at] == f"  {line} | {source}" or not is_whole
    assert re.fullmatch(r" +\| *\^+", lines[at + 1])
    carets = lines[at + 1].split("| ", 1)[1]
    start = carets.index("^")
    if marked:
        shown = source[start : start + carets.count("^")]
        assert shown == marked or (len(source) > LONGEST_SHOWN and marked.startswith(shown))
    elif marked == "":
        assert start >= len(source.rstrip("$ ")), "the caret stands where the text ends"


@pytest.mark.parametrize("label", ["\\input", "\\write", "\\csname"])
@pytest.mark.parametrize(
    "script", ["W_{%s}", "W^{%s}", "W_%s", "W_{%s,a}", "\\text{%s}", "\\hat{%s}"]
)
def test_no_command_of_tex_is_smuggled_into_a_name(script: str, label: str) -> None:
    """What a name holds is printed into the handout, where TeX would obey it."""
    refusal(f"h_t = {script % label} h_{{t-1}}{LOSS}")


@pytest.mark.parametrize("name", ["two losses", "defined twice"])
def test_no_message_shows_internals(name: str) -> None:
    shown = str(refusal(BAD[name][0]))
    assert not re.search(r"Traceback|Token|lark|MatrixExpr|0x", shown)


@pytest.mark.parametrize(
    ("text", "words", "lines"),
    [
        (
            "h_t = W h_{t-1}\nE_t = y_t^\\top h_t\ny_t ∈ R^q\nh_t ∈ R^n",
            "q and n differ", ("2 | E_t = y_t^\\top h_t", "3 | y_t ∈ R^q"),
        ),
        (
            "h_t = W h_{t-1} + b\nE_t = b^\\top h_t\nb ∈ R^3\nW ∈ R^{2 \\times 2}",
            "2 and 3 differ", ("1 | h_t = W h_{t-1} + b", "4 | W ∈ R^{2 \\times 2}"),
        ),
        (
            "h_t = W h_{t-1}\ny_t = V h_t\nE_t = y_t^\\top h_t\n"
            "W ∈ R^{2 \\times 2}\nV ∈ R^{3 \\times 2}",
            "differ", ("3 | E_t = y_t^\\top h_t", "5 | V ∈ R^{3 \\times 2}"),
        ),
    ],
)  # fmt: skip
def test_shapes_that_cannot_agree_show_both_places(
    text: str, words: str, lines: tuple[str, str]
) -> None:
    error = refusal(text)
    assert isinstance(error, ShapeError)
    shown = str(error)
    assert words in shown
    for line in lines:
        assert line in shown


def test_second_definition_shows_the_first() -> None:
    assert str(refusal(BAD["defined twice"][0])) == (
        "h_t is defined twice.\n"
        "  2 | h_t = U x_t\n"
        "    | ^^^\n"
        "The first definition is here:\n"
        "  1 | h_t = W h_{t-1}\n"
        "    | ^^^^^^^^^^^^^^^"
    )


def test_greek_keyword_is_no_keyword() -> None:
    """\\lambda is a fine name; only its spelling in Python changes."""
    model = Model.read("h_t = \\lambda \\odot h_{t-1} + U x_t" + LOSS)
    assert names(model.parameters) == ["\\lambda", "U"]


def test_sums_of_ones_are_scalars() -> None:
    model = Model.read("h_t = W h_{t-1}\nE_t = \\mathbf{1}^\\top (h_t ⊙ h_t)")
    assert model.loss.name == "E"


@pytest.mark.parametrize(
    "text", ["", "   \n\n", "# A title\n", "Words with a $x$ and nothing more."]
)
def test_text_without_equations(text: str) -> None:
    error = refusal(text)
    assert "There is no loss" in error.message or "equation" in error.message


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10_000_000,
        "h_t = W h_{t-1}\n" * 600_000,
        "\0",
        "h_t = W\0 h_{t-1}",
        bytes(range(256)).decode("latin-1"),
        bytes(range(1, 256)).decode("latin-1"),
        random.Random(1).randbytes(5000).decode("latin-1").replace("\0", ""),
        "\ud800",
        "\ufeff" + "\u2028" * 100,
        "$" * 10_001,
        "\\" * 10_000,
        "_" * 10_000 + "^" * 10_000,
        "\\hat" * 4000 + "y",
        "'" * 15_000,
        "-\n" * 20_000,
        "h_t = W h_{t-1}\n" * 10_000,
        "\n".join(f"a_{{{i},t}} = W h_{{t-1}}" for i in range(2500)),
        "h_t is " * 5_000,
        "h_t ∈ " * 5_000 + "R^" + "{" * 100,
        " is the input" * 5_000,
    ],
    ids=lambda text: repr(text[:30]),
)
def test_monsters_are_refused_soon(text: str) -> None:
    assert len(str(refusal(text))) < 100_000


@pytest.mark.parametrize(
    "right",
    [
        "7^{3999999} W h_{t-1}",
        "h_{t-1}^{99999999} + x_t",
        "\\sum_{k=1}^{1000000000} x_t + h_{t-1}",
        "tanh" + "'" * 3000 + "(h_{t-1})",
    ],
)
def test_numbers_that_cost_too_much_are_refused_soon(right: str) -> None:
    """What would keep a later stage busy for ever is no forward equation."""
    refusal(f"h_t = {right}{LOSS}")


def test_error_shows_no_control_characters() -> None:
    """A message goes to a terminal, which would obey them."""
    shown = str(refusal("h_t = \x1b[31m W h_{t-1}\u202e" + LOSS))
    assert all(character.isprintable() or character == "\n" for character in shown)


# Fuzz: a model, or a BpttError, soon

PIECES = [
    "h_t", "h_{t-1}", "x_t", "W", "U", "b", "y_t", "E_t", "\\hat{y}_t", "W_{rec}", "W^{hh}", "E",
    "T", "\\sigma", "\\tanh", "softmax", "\\text{softmax}", "\\log", "\\partial", "\\frac",
    "\\sum", "\\prod", "_{t=1}^{T}", "^\\top", "^2", "^{-1}", "'", "_", "^", "{", "}", "(", ")",
    "[", "]", "\\left(", "\\right)", "\\|", "‖", "\\lVert", "=", ":=", "+", "-", "−", "\\odot",
    "⊙", "⊘", "\\cdot", ",", ";", ".", "1", "2", "0", "0.5", "\\mathbf{1}", "\\mathbf{W}",
    "\\quad", "\\\\", "&", "$", "$$", "\n", "\n- ", " is the input", " is one-hot", " depends on ",
    " ∈ R^n", "\\in \\mathbb{R}^{n \\times m}", " is tanh", " is the loss of step t",
    " is the total loss", "#", "%", "\t", " ", "\\write18", "é", "∂", "\\", "\\ell", "diag",
    "\\operatorname{diag}", "1 \\le t \\le T", "h_{t+1}", "k", "\\delta^a_t", "f", "\\bar",
    "\\vec h",
]  # fmt: skip

fuzz = settings(
    max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def read_or_refused(text: str) -> Model | BpttError:
    """Read a text; every other exception comes through and fails the test."""
    try:
        model = Model.read(text)
        return model if model.refusal is None else model.refusal
    except BpttError as error:
        return error


def assert_model_or_error(text: str) -> None:
    start = time.process_time()
    found = read_or_refused(text)
    assert time.process_time() - start < SECONDS
    if isinstance(found, Model):
        assert found.loss in [d.quantity for d in found.definitions]
        return
    assert found.message
    assert str(found).startswith(found.message)
    if found.place is not None:
        assert 0 <= found.place.start <= len(text)
        assert "^" in found.place.show()


@fuzz
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_random_pieces(text: str) -> None:
    assert_model_or_error(text)


@fuzz
@given(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
def test_random_right_side(right: str) -> None:
    assert_model_or_error(f"h_t = {right}\nE_t depends on h_t")


@fuzz
@given(st.text(max_size=60))
def test_random_characters(text: str) -> None:
    assert_model_or_error(text)
    assert_model_or_error(f"h_t = W h_{{t-1}} {text}\nE_t depends on h_t")


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A text of the library with some characters deleted, doubled, swapped or exchanged."""
    text = cell_text(draw(st.sampled_from(cell_names())))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text) - 2))
        before, here, behind = text[:at], text[at], text[at + 1 :]
        match draw(st.integers(0, 4)):
            case 0:
                text = before + behind
            case 1:
                text = before + here + here + behind
            case 2:
                text = before + behind[0] + here + behind[1:]
            case 3:
                text = before + draw(st.sampled_from(string.printable)) + behind
            case _:
                text = before + draw(st.sampled_from(PIECES)) + behind
    return text


@fuzz
@given(damaged())
def test_damaged_texts_of_the_library(text: str) -> None:
    assert_model_or_error(text)


def test_every_single_deletion_from_a_text_of_the_library() -> None:
    text = cell_text("rnn").split("read-out\n")[1]
    for at in range(0, len(text), 3):
        assert_model_or_error(text[:at] + text[at + 1 :])


def same(one: str, other: str) -> None:
    left, right = Model.read(one), Model.read(other)
    assert left.refusal is None
    assert left.definitions[0].quantity == right.definitions[0].quantity
    assert [(d.quantity, d.expression) for d in left.definitions] == [
        (d.quantity, d.expression) for d in right.definitions
    ]


def test_a_total_loss_may_be_written_out() -> None:
    cell = "h_t = tanh(W h_{t-1} + U x_t)\n"
    apart = cell + "L_t = -y_t^\\top \\log p_t\np_t = softmax(V h_t)\nL = \\sum_{t=1}^T L_t"
    for total in (
        "L = -\\sum_{t=1}^T y_t^\\top \\log p_t",
        "L = -\\sum_t y_t^\\top \\log p_t",
        "L = \\sum_{t} (-y_t^\\top \\log p_t)",
    ):
        same(f"{cell}{total}\np_t = softmax(V h_t)", apart)
    same(apart.replace("_{t=1}^T", "_t"), apart)


def test_rows_of_a_display_are_equations() -> None:
    display = (
        "$$\n\\begin{aligned}\nz_t &= sigmoid(V h_{t-1}), \\quad t = 1, \\dots, T \\\\[2pt]\n"
        "h_t &= z_t \\odot x_t\n\\end{aligned}\n$$\n\n$$E_t = \\|h_t - y_t\\|^2$$\n\n- $h_0 = 0$\n"
    )
    bare = "z_t = sigmoid(V h_{t-1})\nh_t = z_t ⊙ x_t\nE_t = \\|h_t - y_t\\|^2\nh_0 = 0"
    same(display, bare)
    assert Model.read(display).zeros == {"h"}


def test_the_identity_and_declared_signs() -> None:
    model = Model.read("h_t = (W - \\gamma I) h_{t-1} + x_t" + LOSS)
    assert names(model.parameters) == ["W", "\\gamma"]
    assert names(Model.read("h_t = I h_{t-1}\nI is a parameter" + LOSS).parameters) == ["I"]
    same("h_t = g \\cdot h_{t-1}\n\\cdot is elementwise" + LOSS, "h_t = g ⊙ h_{t-1}" + LOSS)
    same(
        "h_t = \\sigma(W h_{t-1})\n\\sigma is the logistic sigmoid" + LOSS,
        "h_t = \\sigma(W h_{t-1})\n\\sigma is sigmoid" + LOSS,
    )


def test_data_of_a_scalar_loss_are_scalars() -> None:
    model = Model.read(
        "h_t = tanh(W h_{t-1})\ns_t = sigmoid(v^\\top h_t)\n"
        "E_t = -y_t \\log s_t - (1 - y_t) \\log(1 - s_t)"
    )
    assert model.scope.shapes["y"] == (1, 1)


def test_greek_letters_are_read_as_typed() -> None:
    typed = Model.read("s_t = tanh(Ω s_{t−1} + U x_t)\nE_t depends on s_t")
    assert [parameter.name for parameter in typed.parameters] == ["\\Omega", "U"]


def test_a_target_is_no_bias() -> None:
    equations = "h_t = tanh(W h_{t-1} + x_t)\nE_t = (y_t - w^\\top h_t)^2\nx_t is the input"
    model = Model.read(equations)
    assert model.warnings == ()


def test_a_declaration_among_prose_is_heard() -> None:
    model = Model.read(
        "# Cell\n\nSome words.\n\n$$h_t = \\tanh(W h_{t-1})$$\n\nE_t depends on h_t\n"
    )
    assert model.unspecified_loss
