"""A document by hand with every kind of block, in both languages."""

from __future__ import annotations

from codegen.documents.document import (
    Display,
    Document,
    Exercise,
    Figure,
    Heading,
    Items,
    Listing,
    Paragraph,
    Row,
    Section,
    Table,
    numbered,
)
from codegen.documents.drawing import Box, Drawing, Label, Line

WORDS = {
    "en": (
        "The state $h_t$ is computed by `forward` from the state before it; the author's notes "
        "call it the memory. Its change by an earlier state, $\\frac{\\partial h_t}{\\partial "
        "h_k}$, is a product of $t-k$ Jacobians (see equation (2)).",
        "What is needed",
        "A step",
    ),
    "zh": (
        "状态 $h_t$ 由 `forward` 根据前一步的状态计算；它对较早状态的导数 $\\frac{\\partial h_t}"
        "{\\partial h_k}$ 是 $t-k$ 个雅可比矩阵的乘积（见式 (2)）。时间反向传播沿着这些乘积"
        "把误差传回较早的时刻，因此梯度可能消失，也可能爆炸。",
        "所需内容",
        "一步",
    ),
}


def drawing() -> Drawing:
    """Return a small graph, and two curves beside it."""
    return Drawing(
        300,
        110,
        (
            Box((80, 55), 150, 100, "", "panel"),
            Line(((30, 30), (68, 30)), "data", arrow=True),
            Line(((92, 30), (130, 30), (130, 30), (130, 58)), "data", arrow=True, curved=True),
            Line(((92, 80), (118, 80)), "state", arrow=True),
            Box((20, 30), 22, 18, "x_t", "input"),
            Box((80, 30), 24, 18, "a_t", "computed"),
            Box((80, 80), 24, 18, "h_{t-1}", "state"),
            Box((130, 80), 24, 18, "h_t", "state"),
            Box((130, 30), 24, 18, "E_t", "loss"),
            Label((80, 8), "step $t$"),
            Line(((180, 20), (295, 20)), "axis", arrow=True),
            Line(((180, 20), (180, 105)), "axis", arrow=True),
            Line(((180, 60), (290, 60)), "grid"),
            Line(((180, 20), (220, 20), (230, 90), (290, 90)), "first", curved=True),
            Line(((180, 22), (220, 60), (250, 60), (290, 22)), "second", curved=True),
            Line(((180, 95), (290, 95)), "bound"),
            Label((292, 90), "$\\sigma$", "west"),
            Label((176, 60), "0.5", "east"),
            Label((235, 15), "$a$", "north"),
            Label((235, 96), "bound", "south"),
        ),
        "A graph of one step, and two curves",
    )


def sample(language: str = "en") -> Document:
    """Return the document."""
    text, heading, step = WORDS[language]
    numbers = "\\begin{pmatrix} 0.1234 \\\\ -0.5000 \\end{pmatrix}"
    code = (
        "def forward(W_in, W_rec, b, x):\n"
        '    """Return all states."""\n'
        "    h = np.zeros((T + 1, n))  # (1)\n"
        "    for t in range(1, T + 1):\n"
        '        h[t] = np.tanh(W_in @ x[t] + W_rec @ h[t - 1] + b)  # "tanh", entry by entry (2)\n'
        "    return h\n" + "#" * 99 + "|\n"
    )
    rows = (
        Row(("a_t", "W_{in} x_t + W_{rec} h_{t-1} + b"), (), "1 \\le t \\le T", "given", 1),
        Row(
            (
                "\\frac{\\partial h_t}{\\partial h_k}",
                "\\prod_{j=k+1}^{t} \\frac{\\partial h_j}{\\partial h_{j-1}}",
                "\\prod_{j=k+1}^{t} \\operatorname{diag}\\left(\\sigma'\\left(a_j\\right)\\right) "
                "W_{rec}",
            ),
            (),
            "0 \\le k \\le t \\le T",
            "proven",
            2,
        ),
        Row(("h_t", "h_t"), ("\\approx",), "", "numeric", 3),
        Row(("\\delta_t", "\\frac{\\partial E}{\\partial a_t}"), (), "", "definition", 4),
        Row(("\\frac{\\partial E}{\\partial b}", "\\delta_1"), (), "", "false"),
        Row(("a_1", numbers, numbers), ("=", "\\approx"), source=1),
        Row(("\\lVert J \\rVert", "\\rho"), ("\\le",), source=99),
    )
    table = Table(
        ("Role", "Symbol", "Meaning"),
        (
            ("state", "$h_t \\in \\mathbb{R}^n$", text),
            ("number", "$0.1234$", "`value_and_grad`"),
        ),
        "lcp",
        "Symbols of the network.",
    )
    given = Table((), ((f"$a_1 = {numbers}$", f"$a_2 = {numbers}$"), ("$T = 3$", "")), "ll")
    narrow = Table(("$t$", "$h_t$"), (("1", "0.1234"), ("2", "$-0.5000$")), "rr")
    return numbered(
        Document(
            "Elman network: 50% of #it [x] $y$ *z*",
            text[:60].replace("$", "").replace("`", ""),
            language,
            (
                Section(
                    heading, (Paragraph(text, step + "."), Paragraph(text), Items((text, step)))
                ),
                Section(
                    "Equations with $h_t$",
                    (Heading(heading), Paragraph(text), Display(rows), table, given, narrow),
                ),
                Section(
                    step,
                    (
                        Figure(drawing(), text, "graph"),
                        Listing(code, "The forward pass."),
                        Listing("x = 1"),
                        Exercise((Paragraph(text), Display((Row(("x", "\\ldots")),))), (), 4),
                        Exercise((Paragraph(text),), (Paragraph(text), Display(rows[:2])), 4),
                        Paragraph("See https://arxiv.org/abs/1211.5063, page 3."),
                    ),
                ),
            ),
            "Written by bptt; seed $7$",
        )
    )
