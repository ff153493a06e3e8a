"""What every term of a claim is worth: one rule a term, a file for each family of terms."""

from derivations.claims.evaluation import (
    derivatives,
    functions,
    parts,
    products,
    series,
    stacks,
    symbols,
)
from derivations.claims.evaluation.core import Evaluator

__all__ = [
    "Evaluator",
    "derivatives",
    "functions",
    "parts",
    "products",
    "series",
    "stacks",
    "symbols",
]
