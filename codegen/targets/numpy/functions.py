"""The helper functions of an emitted NumPy module: exact where NumPy has none, safe at ±1e4.

All of them are holomorphic in pieces that the real part chooses, so that a complex step goes
through them.
"""

from __future__ import annotations

from functools import cache

import mpmath

#: Terms of the Chebyshev expansion; the error is below the rounding of a double.
TERMS = 32
#: Centre of the variable (z − K) / (z + K), which brings the half line to [−1, 1].
CENTRE = 3.75

_SOURCES = {
    "times": '''
def times(values: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Multiply the rows of all steps by a matrix, in one product."""
    rows = values.reshape(-1, values.shape[-1])
    return (rows @ matrix).reshape(*values.shape[:-1], matrix.shape[1])
''',
    "put_times": '''
def put_times(out: np.ndarray, values: np.ndarray, matrix: np.ndarray) -> None:
    """Write the product of the rows of all steps and a matrix to an array in memory order."""
    rows = values.reshape(-1, values.shape[-1])
    np.matmul(rows, matrix, out=out.reshape(-1, out.shape[-1]))
''',
    "outer": '''
def outer(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Sum the outer products of the rows of all steps, in one product."""
    return left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])
''',
    "times_each": '''
def times_each(matrices: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Multiply each row by the matrix that belongs to it."""
    return (matrices @ rows[..., None])[..., 0]
''',
    "outer_each": '''
def outer_each(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the outer product of each row with the same row of the other."""
    return left[..., :, None] * right[..., None, :]
''',
    "add_at": '''
def add_at(rows: np.ndarray, labels: np.ndarray, amount: np.ndarray | float) -> None:
    """Add a number to the entry of every row that its label names."""
    flat = rows.reshape(-1, rows.shape[-1])  # a view: rows of an array in memory order
    flat[np.arange(len(flat)), labels.reshape(-1)] += np.reshape(amount, -1)
''',
    "softmax": '''
def softmax(z: np.ndarray) -> np.ndarray:
    """Return exp(z) over its row sums; the largest entry is taken off first."""
    shifted = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)
''',
    "log_softmax": '''
def log_softmax(z: np.ndarray) -> np.ndarray:
    """Return log(softmax(z)) by log-sum-exp, finite for any finite z."""
    shifted = z - z.real.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
''',
    "log_sum_exp": '''
def log_sum_exp(z: np.ndarray) -> np.ndarray:
    """Return log(sum(exp(z))) of each row; the largest entry is taken off first."""
    largest = z.real.max(axis=-1, keepdims=True)
    return largest + np.log(np.exp(z - largest).sum(axis=-1, keepdims=True))
''',
    "sigmoid": '''
def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x)) without overflow on either side."""
    small = np.exp(np.where(x.real > 0, -x, x))
    return np.where(x.real > 0, 1, small) / (1 + small)
''',
    "logistic": '''
def logistic(x: np.ndarray, out: np.ndarray) -> None:
    """Write 1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2 to an array: exact to rounding of 1."""
    np.multiply(x, 0.5, out=out)
    np.tanh(out, out=out)
    out *= 0.5
    out += 0.5
''',
    "softplus": '''
def softplus(x: np.ndarray) -> np.ndarray:
    """Return log(1 + exp(x)) without overflow."""
    return np.where(x.real > 0, x, 0) + np.log1p(np.exp(np.where(x.real > 0, -x, x)))
''',
    "normal_cdf": '''
def normal_cdf(x: np.ndarray) -> np.ndarray:
    """Return the distribution function of the standard normal.

    For z >= 0, erfc(z) is exp(-z**2) times a Chebyshev series in (z - {centre}) / (z + {centre})
    (Schonfelder 1978).
    """
    z = np.where(x.real > 0, x, -x) * {root}
    argument = 2 * (z - {centre}) / (z + {centre})
    previous, current = np.zeros_like(z), np.zeros_like(z)
    for coefficient in _ERFC[:0:-1]:  # Clenshaw's recurrence
        previous, current = current, argument * current - previous + coefficient
    tail = 0.5 * np.exp(-(z**2)) * (0.5 * argument * current - previous + _ERFC[0])
    return np.where(x.real > 0, 1 - tail, tail)
''',
}


#: The names of the helper functions, in the order in which a module has them.
HELPERS = tuple(_SOURCES)


def source(name: str) -> str:
    """Return the source of a helper function.

    Examples
    --------
    >>> print(source("softmax").splitlines()[0])
    def softmax(z: np.ndarray) -> np.ndarray:
    """
    text = _SOURCES[name].strip()
    if name != "normal_cdf":
        return text
    filled = text.replace("{centre}", repr(CENTRE)).replace("{root}", repr(0.5**0.5))
    return f"{_coefficients_source()}\n\n\n{filled}"


def _coefficients_source() -> str:
    lines = [f"    {value!r}," for value in erfc_coefficients()]
    return "_ERFC = (\n" + "\n".join(lines) + "\n)"


@cache
def erfc_coefficients() -> tuple[float, ...]:
    """Return the Chebyshev coefficients of exp(z²) erfc(z) in (z − K) / (z + K).

    They are computed at 40 digits by the discrete cosine sums of Chebyshev interpolation.

    References
    ----------
    Schonfelder, Chebyshev expansions for the error and related functions, Mathematics of
    Computation 32 (1978).
    """
    context = mpmath.mp.clone()
    context.dps = 40
    points = 3 * TERMS
    angles = [context.pi * (2 * i + 1) / (2 * points) for i in range(points)]
    values = []
    for angle in angles:
        position = context.cos(angle)
        z = context.mpf(CENTRE) * (1 + position) / (1 - position)
        # Where exp(z²) overflows, the scaled function is its asymptotic series' leading term.
        values.append(context.exp(z * z) * context.erfc(z))
    coefficients = []
    for order in range(TERMS):
        summed = context.fsum(
            v * context.cos(order * a) for v, a in zip(values, angles, strict=True)
        )
        coefficients.append(float(summed * (1 if order == 0 else 2) / points))
    return tuple(coefficients)
