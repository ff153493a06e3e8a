"""The signs and commands of the formula language, and the one spelling that each stands for."""

from __future__ import annotations

import unicodedata


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _commands(text: str) -> frozenset[str]:
    return frozenset(f"\\{word}" for word in text.split())


def _spelled(spellings: dict[str, str]) -> dict[str, str]:
    """Turn a table of canonical texts with all their spellings around."""
    return {sign: text for text, signs in spellings.items() for sign in signs.split()}


# Names

#: Functions that may be written without a backslash.
FUNCTION_WORDS = _words(
    """tanh exp log ln sigmoid relu ReLU identity softplus gelu GELU silu SiLU softmax diag sech
    max min"""
)
GREEK_WORDS = _words(
    """alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau
    upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"""
)
#: Words that are one name even where TeX would set a product of letters.
NOUNS = _words(
    """net out state states gate gates input output cell hidden loss cost bias score logit logits
    raw prev next vec prod error err target pred clip concat norm step sign mean reset update
    forget Loss Cost memory context label labels"""
)
#: Greek letters as people type them, and their commands.
GREEK_LETTERS = {
    unicodedata.lookup(
        f"GREEK {'CAPITAL' if word[0].isupper() else 'SMALL'} LETTER "
        + word.upper().replace("LAMBDA", "LAMDA")  # Unicode spells this one letter so
    ): f"\\{word}"
    for word in GREEK_WORDS
}
#: Characters that stand for a symbol.
SYMBOL_CHARACTERS = {
    **GREEK_LETTERS,
    "∂": "\\partial",
    "∇": "\\nabla",
    "ℓ": "\\ell",
    "⊤": "\\top",
    "∞": "\\infty",
    "ϵ": "\\epsilon",
    "ϕ": "\\phi",
    "ϑ": "\\vartheta",
    "√": "\\sqrt",
    "†": "\\dagger",
    "ℎ": "h",
    "ℒ": "\\mathcal{L}",
    "ℝ": "\\mathbb{R}",
    "𝟙": "\\mathbb{1}",
}
#: Accents that join the letter before them.
COMBINING = {
    "\u0302": "\\hat",
    "\u0303": "\\tilde",
    "\u0304": "\\bar",
    "\u0305": "\\overline",
    "\u0307": "\\dot",
    "\u20d7": "\\vec",
}
#: Small letters and signs below the line.
SUBSCRIPTS = dict(
    zip("₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", "0123456789+-()aehijklmnoprstuvx", strict=True)
)
#: Small letters and signs above the line.
SUPERSCRIPTS = {
    **dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁱⁿᵗˢʰˣ", "0123456789+-()intshx", strict=True)),
    "ᵀ": "\\top",
}
#: Functions that formulas of others contain, and that no cell can: nothing is known of them.
UNKNOWN_FUNCTIONS = _commands(
    """sin cos tan cot sec csc sinh cosh coth arcsin arccos arctan artanh arg lim limsup liminf
    sup inf det dim ker deg gcd hom Pr lg argmax argmin tr"""
)
#: Every command that may stand for a symbol. Nothing else does: a formula cannot smuggle TeX.
SYMBOL_COMMANDS = UNKNOWN_FUNCTIONS | _commands(
    " ".join(FUNCTION_WORDS | GREEK_WORDS)
    + """ partial top intercal varepsilon vartheta varpi varrho varsigma varphi varkappa digamma
    varGamma varDelta varTheta varLambda varXi varPi varSigma varPhi varPsi varOmega
    ell hbar nabla imath jmath Re Im wp aleph infty sqrt dagger ddagger bot emptyset"""
)

# What stands between names

#: Signs and commands of a relation, and its canonical text.
RELATIONS = _spelled(
    {
        "=": r"""= := =: == ≡ ≔ ≜ ≝ \equiv \triangleq \doteq \coloneqq \coloneq \eqqcolon
            \eqdef \eq""",
        "<": r"< \lt",
        ">": r"> \gt",
        "<=": r"<= ≤ ≦ ⩽ \le \leq \leqslant \leqq",
        ">=": r">= ≥ ≧ ⩾ \ge \geq \geqslant \geqq",
        "+=": "+=",
        "-=": "-=",
        "\\approx": r"≈ ≃ ∼ ≅ \approx \simeq \sim \cong \approxeq",
        "\\propto": r"∝ \propto \varpropto",
        "\\ll": r"≪ \ll",
        "\\gg": r"≫ \gg",
        "\\neq": r"≠ != \ne \neq",
        "\\to": r"→ ⟶ -> \to \rightarrow \longrightarrow \xrightarrow",
        "\\leftarrow": r"← ⟵ \gets \leftarrow \longleftarrow \xleftarrow",
        "\\leftrightarrow": r"↔ \leftrightarrow",
        "\\Rightarrow": r"⇒ ⟹ => \Rightarrow \implies \Longrightarrow",
        "\\Leftrightarrow": r"⇔ ⟺ \Leftrightarrow \iff \Longleftrightarrow",
        "\\mapsto": r"↦ \mapsto",
        "\\in": r"∈ \in",
        "\\notin": r"∉ \notin",
        "\\ni": r"∋ \ni",
        "\\subset": r"⊂ \subset",
        "\\subseteq": r"⊆ \subseteq",
        "\\supset": r"⊃ \supset",
        "\\supseteq": r"⊇ \supseteq",
        "\\perp": r"\perp",
        "\\lesssim": r"≲ \lesssim",
        "\\gtrsim": r"≳ \gtrsim",
        "\\prec": r"\prec",
        "\\succ": r"\succ",
        "\\preceq": r"\preceq",
        "\\succeq": r"\succeq",
    }
)
#: Relations that can limit the steps for which an equation is claimed.
ORDERS = frozenset({"=", "<", "<=", ">", ">="})
#: What counts steps and entries.
COUNTERS = _words(r"i j k l m n p q r s t u T \tau \ell")
#: Arrows before a statement say what it follows from, not what it says.
LEADS = frozenset({"\\Rightarrow", "\\Leftrightarrow", "\\to"})

PRODUCTS = _spelled(
    {
        "\\cdot": r"· ⋅ ∙ \cdot \centerdot",
        "\\times": r"× \times",
        "\\odot": r"⊙ ⨀ \odot",
        "\\circ": r"∘ ◦ \circ",
        "*": r"* ∗ ⋆ ＊ \ast \star",
        "\\otimes": r"⊗ \otimes",
        "\\oslash": r"⊘ \oslash",
        "\\oplus": r"⊕ \oplus",
        "\\bullet": r"• \bullet",
        "/": r"/ ∕ ÷ \div \slash",
    }
)
SIGNS = _spelled({"-": "- − – －", "+": "+ ＋"})
SERIES = _spelled({"sum": r"∑ \sum", "product": r"∏ \prod \coprod \amalg"})
#: Letters that serve as a sum or a product sign where a range stands beside them.
SERIES_LETTERS = {"\\Sigma": "sum", "\\Pi": "product"}
DOTS = _words("... … ⋯ ⋮ ⋱") | _commands(
    "cdots ldots dots dotsc dotsb dotsm dotsi hdots vdots ddots"
)

#: Brackets, and what they are for the grammar.
BRACKETS = _spelled(
    {
        "LPAR": r"( （ \lparen",
        "RPAR": r") ） \rparen",
        "LSQB": r"[ ［ 【 \lbrack",
        "RSQB": r"] ］ 】 \rbrack",
        "LCURLY": r"\{ \lbrace",
        "RCURLY": r"\} \rbrace",
        "LANGLE": r"⟨ 〈 \langle",
        "RANGLE": r"⟩ 〉 \rangle",
        "LBRACE": "{",
        "RBRACE": "}",
    }
)
#: The kinds of what opens, and of what closes it.
CLOSING = {
    "LPAR": "RPAR",
    "LSQB": "RSQB",
    "LCURLY": "RCURLY",
    "LANGLE": "RANGLE",
    "LBRACE": "RBRACE",
    "MATRIX_OPEN": "MATRIX_CLOSE",
    "CASES_OPEN": "CASES_CLOSE",
}
CLOSERS = frozenset(CLOSING.values())
#: Bars: how many, and the side on which the command says that it stands.
BARS = _spelled(
    {
        "1": r"| ∣ ｜ \vert \mid",
        "2": r"|| ‖ ∥ \| \Vert \parallel",
        "1l": r"\lvert",
        "1r": r"\rvert",
        "2l": r"\lVert",
        "2r": r"\rVert",
    }
)
PUNCTUATION = _spelled(
    {
        "COMMA": ", ， 、",
        "SEMICOLON": "; ；",
        "COLON": r": ： \colon",
        "DOT": ". 。 ．",
        "PRIME": r"' ′ ’ \prime",
        "SUB": "_",
        "SUP": "^",
        "CELL": "&",
    }
)

# How a formula looks

#: What changes how a name looks: command to canonical command.
FONTS = _spelled(
    {
        **{
            font: font
            for font in _commands(
                "mathrm mathsf mathscr mathfrak mathtt bm operatorname operatorname*"
            )
        },
        "\\mathbf": r"\mathbf \bold",
        "\\mathbb": r"\mathbb \mathds \mathbbm \Bbb",
        "\\mathcal": r"\mathcal",
        "\\mathit": r"\mathit \mathnormal",
        "\\boldsymbol": r"\boldsymbol \pmb",
    }
)
#: Old fonts, which hold to the end of their group.
SWITCHES = {
    "\\rm": "\\mathrm",
    "\\bf": "\\mathbf",
    "\\it": "\\mathit",
    "\\cal": "\\mathcal",
    "\\sf": "\\mathsf",
    "\\tt": "\\mathtt",
    "\\boldmath": "\\boldsymbol",
}
#: Commands whose argument is text.
TEXTS = _spelled(
    {
        "\\text": r"\text \mbox \hbox \textnormal \textup \textmd \textsc",
        "\\textrm": r"\textrm",
        "\\textbf": r"\textbf",
        "\\textit": r"\textit \emph",
        "\\textsf": r"\textsf",
        "\\texttt": r"\texttt",
    }
)
#: Fonts that only keep a word upright: the word is what counts.
UPRIGHT = _commands("text textrm mathrm operatorname operatorname* mathsf textsf texttt mathtt")
ACCENTS = _commands(
    """hat widehat tilde widetilde bar overline vec dot ddot check breve acute grave mathring
    overrightarrow overleftarrow"""
)
FRACTIONS = _commands("frac dfrac tfrac cfrac nicefrac sfrac")

#: Commands that say only how a formula looks.
IGNORED = _commands(
    """limits nolimits displaylimits displaystyle textstyle scriptstyle scriptscriptstyle nonumber
    notag hline allowbreak nobreak relax mathstrut strut centering mathop mathrel mathbin mathord
    mathopen mathclose mathinner boxed fbox bbox underline smash ensuremath tiny small large Large
    LARGE huge normalsize footnotesize scriptsize hfill rlap llap mathrlap mathllap noindent par
    protect substack ( ) [ ]"""
)
#: The same with an argument that goes, too.
IGNORED_WITH = _commands(
    """color textcolor colorbox tag tag* label ref eqref cite footnote hspace hspace* vspace
    vspace* mspace phantom hphantom vphantom textcircled intertext shortintertext"""
)
#: Braces above and below a factor, whose label says nothing to a program.
LABELLED = _commands("underbrace overbrace underbracket overbracket")
#: A remark is set over or under what counts.
STACKED = _commands("overset underset stackrel")

#: Environments: lines of one equation, matrices, alternatives.
LINES = _words(
    """align align* aligned alignat alignat* alignedat equation equation* gather gather* gathered
    split multline multline* eqnarray eqnarray* displaymath math flalign flalign* dmath dmath*"""
)
MATRICES = _words(
    """bmatrix pmatrix matrix smallmatrix array bmatrix* pmatrix* matrix* bsmallmatrix psmallmatrix
    Bmatrix"""
)
CASES = _words("cases dcases rcases cases* dcases*")

#: Words that begin a remark beside a formula, not a name in it.
REMARKS = _words(
    """where for if since because with set when whenever as so let hence then by using note and or
    otherwise else given assuming that thus therefore we is are from in at only all every any on
    which here i.e e.g resp also but not this the while recall via per such same similarly
    likewise wherein whose case"""
)
