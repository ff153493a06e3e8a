"""The functions of an emitted C file: free of branches where a loop calls them, exact to rounding.

The exponential is a Taylor polynomial behind Cody and Waite's reduction of the argument (Software
Manual for the Elementary Functions, 1980), so that a compiler computes many entries at once; the
terms are those that rounding still sees for |r| ≤ ln(2) / 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import factorial

#: The last power of the Taylor polynomial in double and in single precision.
TERMS, TERMS_OF_SINGLE = 13, 7


def _horner() -> str:
    lines = ["#ifdef {PREFIX}_SINGLE", f"    real sum = {_coefficient(TERMS_OF_SINGLE)};", "#else"]
    lines.append(f"    real sum = {_coefficient(TERMS)};")
    for power in range(TERMS - 1, 1, -1):
        if power == TERMS_OF_SINGLE - 1:
            lines.append("#endif")
        lines.append(f"    sum = sum * r + {_coefficient(power)};")
    return "\n".join(lines)


def _coefficient(power: int) -> str:
    return f"(real)(1.0 / {factorial(power)})"


_SOURCES = {
    "square": """
INLINE real square(real x)
{
    return x * x;
}
""",
    "power": """
INLINE real power(real x, const int exponent)
{
    real product = x;
    for (int i = 1; i < exponent; i++)
        product *= x;
    return product;
}
""",
    "larger": """
INLINE real larger(real first, real second)
{
    return first > second ? first : second;
}
""",
    "two_to": """
/* 2^k of an integer k: k + ROUNDING holds k in its last bits, and k + BIAS is the exponent. */
INLINE real two_to(real k)
{
    union {
        real number;
        bits pattern;
    } both;
    both.number = k + ROUNDING;
    both.pattern = (both.pattern + BIAS) << MANTISSA;
    return both.number;
}
""",
    "reduced": """
/* exp(x) = 2^k exp(r) with |r| <= ln(2) / 2: returns r, and k at its place. */
INLINE real reduced(real x, real *k)
{
    *k = (x * (real)1.4426950408889634 + ROUNDING) - ROUNDING;
    return (x - *k * LN2_HIGH) - *k * LN2_LOW;
}
""",
    "taylor": """
/* exp(r) - 1 for small r. */
INLINE real taylor(real r)
{
{horner}
    return r + r * r * sum;
}
""",
    "real_exp": """
INLINE real real_exp(real x)
{
    real k;
    x = x > EXP_RANGE ? EXP_RANGE : x;
    x = x < -EXP_RANGE ? -EXP_RANGE : x;
    const real r = reduced(x, &k);
    const real half = (k * (real)0.5 + ROUNDING) - ROUNDING; /* 2^k alone might overflow */
    return (1 + taylor(r)) * two_to(half) * two_to(k - half);
}
""",
    "real_expm1": """
INLINE real real_expm1(real x)
{
    real k;
    const real small = x > TANH_RANGE ? TANH_RANGE : x < -EXP_RANGE / 2 ? -EXP_RANGE / 2 : x;
    const real r = reduced(small, &k);
    const real scale = two_to(k);
    return x > TANH_RANGE ? real_exp(x) - 1 : scale * taylor(r) + (scale - 1);
}
""",
    "real_tanh": """
/* tanh(x) = u / (u + 2) with u = exp(2 x) - 1, which keeps the digits of a small x. */
INLINE real real_tanh(real x)
{
    real k;
    x = x > TANH_RANGE ? TANH_RANGE : x;
    x = x < -TANH_RANGE ? -TANH_RANGE : x;
    const real r = reduced(2 * x, &k);
    const real scale = two_to(k);
    const real u = scale * taylor(r) + (scale - 1);
    return u / (u + 2);
}
""",
    "sigmoid": """
INLINE real sigmoid(real x)
{
    return 1 / (1 + real_exp(-x));
}
""",
    "softplus": """
/* log(1 + exp(x)) without overflow. */
INLINE real softplus(real x)
{
    return (x > 0 ? x : 0) + MATH(log1p)(MATH(exp)(x > 0 ? -x : x));
}
""",
    "normal_cdf": """
/* The distribution function of the standard normal. */
INLINE real normal_cdf(real x)
{
    return (real)0.5 * MATH(erfc)(x * (real)-0.70710678118654752);
}
""",
    "log_sum_exp": """
/* log(sum(exp(z))) of a row; the largest entry is taken off first. */
INLINE real log_sum_exp(const real *z, size_t length)
{
    real largest = z[0], sum = 0;
    REDUCTION(max, largest)
    for (size_t j = 1; j < length; j++)
        largest = z[j] > largest ? z[j] : largest;
    REDUCTION(+, sum)
    for (size_t j = 0; j < length; j++)
        sum += real_exp(z[j] - largest);
    return largest + MATH(log)(sum);
}
""",
    "softmax": """
/* exp(z) over its sum, of a row. */
INLINE void softmax(const real *z, size_t length, real *out)
{
    real largest = z[0], sum = 0;
    REDUCTION(max, largest)
    for (size_t j = 1; j < length; j++)
        largest = z[j] > largest ? z[j] : largest;
    REDUCTION(+, sum)
    for (size_t j = 0; j < length; j++)
        sum += out[j] = real_exp(z[j] - largest);
    for (size_t j = 0; j < length; j++)
        out[j] /= sum;
}
""",
    "log_softmax": """
/* log(softmax(z)) of a row, finite for any finite z. */
INLINE void log_softmax(const real *z, size_t length, real *out)
{
    const real whole = log_sum_exp(z, length);
    for (size_t j = 0; j < length; j++)
        out[j] = z[j] - whole;
}
""",
}


def sources(code: str, prefix: str) -> list[str]:
    """Return the functions that some code calls, each behind those that it calls itself.

    Examples
    --------
    >>> [text.splitlines()[0] for text in sources("a = power(larger(b, c), 3);", "RNN")]
    ['INLINE real power(real x, const int exponent)', 'INLINE real larger(real first, real second)']
    """
    needed = _closure(_called(code))
    filled = (_SOURCES[name].strip() for name in _SOURCES if name in needed)
    horner = _horner()
    return [text.replace("{horner}", horner).replace("{PREFIX}", prefix) for text in filled]


def _closure(names: set[str]) -> set[str]:
    inner = {called for name in names for called in _called(_SOURCES[name])}
    return names if inner <= names else _closure(names | inner)


def _called(code: str) -> set[str]:
    return {name for name in _SOURCES if re.search(rf"\b{name}\(", code)}


#: The names that stand for something in every emitted file.
NAMES: Iterable[str] = tuple(_SOURCES)
