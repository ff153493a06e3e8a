"""What each column and each field of the tables of a study says, with its units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from codegen.flow.summary import QUANTILES

#: What a point is, in every file.
POINT: Mapping[str, str] = {
    "cell": "name of the model",
    "activation": "what σ is; empty where the model says it",
    "initialisation": "how recurrent matrices are drawn, before they are scaled",
    "scale": "what value is: gain, a factor of what is drawn, or radius, the spectral radius",
    "value": "of the gain, or of the spectral radius",
    "seed": "everything drawn is drawn from it",
}
#: What all points of a study share.
SETTINGS: Mapping[str, str] = {
    "steps": "T, the length of the sequence",
    "size": "entries of each axis that a state or a recurrent matrix has",
    "input_scale": "standard deviation of the entries of x_t and of the first states",
    "clip": "the norm that clipping leaves of a longer gradient",
    "biases": "biases that are not zero, with the value of their entries",
}
#: The columns of ``points.csv``.
POINT_COLUMNS: Mapping[str, str] = {
    **POINT,
    **SETTINGS,
    "spectral_radius": "of the first square recurrent matrix; no logarithm",
    "largest_singular_value": "of that matrix; where none is square, of the largest recurrent "
    "matrix; no logarithm",
    "lg_gradient": "decimal logarithm of ‖∂E_T/∂W‖ over all recurrent parameters W, not clipped",
    "lg_norm": "decimal logarithm of ‖∂s_T/∂s_0‖₂; s is the whole state",
    "lg_bound": "decimal logarithm of the bound on it; inf: there is none",
    "largest_lyapunov_exponent": "natural logarithm a step, after the first tenth of the steps; "
    "empty where there is none",
    "violations": "number of distances at which a norm exceeds its bound",
}
#: The columns of ``study.csv`` that say which group, and how far back.
GROUP_COLUMNS: Mapping[str, str] = {
    **{name: text for name, text in POINT.items() if name != "seed"},
    "distance": "d = T − k, steps that the gradient has gone back",
}
#: What ``study.csv`` holds of each group and distance, with quantiles over seeds.
CURVES: Mapping[str, str] = {
    "lg_norm": "decimal logarithm of ‖∂s_T/∂s_{T−d}‖₂; s is the whole state",
    "lg_bound": "decimal logarithm of the bound on it; inf: there is none",
    "lg_carry": "decimal logarithm of the norm of the product of the carry gates alone; empty for "
    "a cell without such gates",
    "lg_term": "decimal logarithm of ‖∂E_T/∂s_{T−d} ∂⁺s_{T−d}/∂W‖ over all recurrent parameters W",
    "lg_clipped": "decimal logarithm of that term once ‖∂E_T/∂W‖ is clipped",
    "lg_share": "decimal logarithm of the term's share in the sum of the sizes of all, which "
    "clipping does not change",
    "lg_input": "decimal logarithm of ‖∂E_T/∂x_{T−d}‖ / ‖∂E_T/∂x_T‖",
}
#: The fields of a point in ``study.json``.
FIELDS: Mapping[str, str] = {
    **POINT,
    "norms": "decimal logarithms of ‖∂s_T/∂s_{T−d}‖₂ for d = 0 … T; s is the whole state",
    "bounds": "decimal logarithms of the bound on these norms, for d = 0 … T",
    "carry": "decimal logarithms of the norm of the product of the carry gates alone, for "
    "d = 0 … T; [] for a cell without such gates",
    "terms": "decimal logarithms of ‖∂E_T/∂s_{T−d} ∂⁺s_{T−d}/∂W‖ over all recurrent parameters W, "
    "for d = 0 … T − 1, not clipped",
    "inputs": "decimal logarithms of ‖∂E_T/∂x_{T−d}‖ for d = 0 … T − 1; not divided by the first "
    "of them, as lg_input in study.csv is",
    "gradient": "decimal logarithm of ‖∂E_T/∂W‖, the norm of the sum of the terms, not clipped",
    "exponents": "Lyapunov exponents, natural logarithms a step, after the first tenth of the "
    "steps, the largest first",
    "eigenvalues": "of the first square recurrent matrix, each as [real, imaginary]; [] where none "
    "is square",
    "radius": "spectral radius of that matrix; no logarithm",
    "stretch": "largest singular value of that matrix; where none is square, of the largest "
    "recurrent matrix; no logarithm",
}
#: How the values of ``study.json`` are read.
VALUES: Mapping[str, str] = {
    "null": "−∞, the logarithm of zero",
    "Infinity": "as a string, in bounds: there is no bound",
}
#: What ``study.json`` says of itself.
ABOUT: Mapping[str, str] = {**SETTINGS, **FIELDS, **VALUES}


def quantile_columns(quantiles: Sequence[float] = QUANTILES) -> dict[str, str]:
    """Return the columns of ``study.csv`` that hold quantiles, and what they say.

    Examples
    --------
    >>> list(quantile_columns())[:3]
    ['lg_norm_q10', 'lg_norm_q50', 'lg_norm_q90']
    """
    return {
        f"{curve}_q{100 * quantile:g}": f"{100 * quantile:g} % quantile over the networks: {text}"
        for curve, text in CURVES.items()
        for quantile in quantiles
    }


def columns_markdown() -> str:
    """Return what every column and field says, as Markdown.

    Examples
    --------
    >>> columns_markdown().splitlines()[0]
    '# Columns and fields'
    """
    parts = {
        "points.csv": ("A row a network. An empty cell: there is no value.", POINT_COLUMNS),
        "study.csv": (
            "A row a group of networks that differ by their seed alone, and a distance. A quantile "
            "is the value of a network: the least that so many of them do not exceed, so that of "
            "an even number the median is the lower of the two in the middle. An empty cell: there "
            "is no value.",
            {**GROUP_COLUMNS, **quantile_columns()},
        ),
        "study.json: settings": ("What all networks share.", SETTINGS),
        "study.json: points": ("A network each, with all that was measured.", FIELDS),
        "study.json: values": ("JSON has no infinity.", VALUES),
    }
    texts = ["# Columns and fields\n\nIn CSV, -inf is the logarithm of zero.\n"]
    for head, (introduction, rows) in parts.items():
        lines = "\n".join(f"- `{name}`: {text}" for name, text in rows.items())
        texts.append(f"## {head}\n\n{introduction}\n\n{lines}\n")
    return "\n".join(texts)
