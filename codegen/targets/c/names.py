"""Names in C: what a model calls its quantities, where C or the emitted file has taken the word."""

from __future__ import annotations

import re

_KEYWORDS = (
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while"
)
_OF_CPP = (
    "alignas alignof and asm bool catch class constexpr decltype delete explicit export false "
    "friend mutable namespace new noexcept not nullptr operator or private protected public "
    "static_assert template this thread_local throw true try typeid typename using virtual "
    "wchar_t xor"
)
_MACROS = (
    "BARRIER BARRIER_OF_ALL CBLAS CBLAS_INT ENTRIES EXP_RANGE GEMM HELPER INLINE IN_PARALLEL "
    "LN2_HIGH LN2_LOW MATH NOTHING NULL REDUCTION ROUNDING SAY SHARED_LOOP SIZE_MAX "
    "TANH_RANGE USE_CBLAS"
)
#: Words that no member of a structure can be called; `room` is one already.
MEMBERS = frozenset(f"{_KEYWORDS} {_OF_CPP} {_MACROS} room".split())
#: What the emitted functions call their own things, beside which the sizes stand.
_OWN = (
    "E at base bits count data gradients i int64_t j k matrix outer pack params place real "
    "row rows self size_t sizes status sum t target tape thread times used widest work workspace"
)
VARIABLES = MEMBERS | frozenset(_OWN.split())
_SIZE = re.compile(r"[A-Za-z_]\w*")


def c_name(name: str) -> str:
    """Return the name of an array as a member of a structure.

    Examples
    --------
    >>> c_name("W_rec"), c_name("double")
    ('W_rec', 'double_')
    """
    return f"{name}_" if name in MEMBERS else name


def size(text: str) -> str:
    """Return a size as C: its names are those of variables, and may need to give way.

    Examples
    --------
    >>> size("2 * n + j")
    '2 * n + j_'
    """
    return _SIZE.sub(lambda word: f"{word[0]}_" if word[0] in VARIABLES else word[0], text)


def product(*factors: str) -> str:
    """Return a product of sizes, without ones.

    Examples
    --------
    >>> product("T + 1", "B", "1", "4 * n")
    '(T + 1) * B * 4 * n'
    """
    kept = [factor for factor in factors if factor != "1"]
    if len(kept) == 1:
        return kept[0]
    return " * ".join(f"({f})" if " + " in f or " - " in f else f for f in kept) or "1"
