"""What a study consists of: points, and what is measured at each; plain immutable data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from derivations.errors import EmitError

#: How recurrent matrices are drawn, before they are scaled.
INITIALISATIONS = ("gaussian", "orthogonal", "identity")
#: What a scale says of a recurrent matrix: a factor of what is drawn, or its spectral radius.
SCALES = ("gain", "radius")


class TooLarge(EmitError):
    """States of a network that floating point cannot hold: the network has no values."""


@dataclass(frozen=True)
class Settings:
    """What all points of a study share.

    Attributes
    ----------
    steps : int
        T, the length of the sequence.
    size : int
        Entries of each axis that a state or a recurrent matrix has.
    input_scale : float
        Standard deviation of the entries of x_t, and of the first states.
    clip : float
        The norm that clipping leaves of a longer gradient.
    biases : tuple of (str, float)
        Biases, by the name in code, and the value of their entries; the others are zero.
    """

    steps: int = 100
    size: int = 32
    input_scale: float = 0.1
    clip: float = 1.0
    biases: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Point:
    """One random network of a study.

    Attributes
    ----------
    cell : str
        The name of the model.
    activation : str
        What the σ of the model is; empty where the text alone says it.
    initialisation : str
        One of `INITIALISATIONS`.
    scale : str
        One of `SCALES`.
    value : float
        Of the gain, or of the spectral radius.
    seed : int
        Everything that is drawn is drawn from it, and from nothing else.
    settings : Settings
    """

    cell: str
    activation: str
    initialisation: str
    scale: str
    value: float
    seed: int
    settings: Settings

    def as_json(self) -> dict[str, Any]:
        """Return the point as JSON holds it."""
        found = asdict(self)
        found["settings"]["biases"] = [list(pair) for pair in self.settings.biases]
        return found


@dataclass(frozen=True)
class Measured:
    """What is measured at a point. Sizes are decimal logarithms; −∞ is the logarithm of zero.

    Attributes
    ----------
    norms : tuple of float
        lg ‖∂s_T/∂s_{T−d}‖₂ for d = 0 … T; s is the whole state.
    bounds : tuple of float
        The logarithms of the bound on these norms.
    carry : tuple of float
        lg of the norm of the product of the carry gates alone, such as ∏ diag(f_t), for d = 0 … T;
        empty for a cell without such gates.
    terms : tuple of float
        lg ‖∂E_T/∂s_k ∂⁺s_k/∂W‖ for d = T − k = 0 … T − 1, over all recurrent parameters W.
    inputs : tuple of float
        lg ‖∂E_T/∂x_{T−d}‖ for d = 0 … T − 1.
    gradient : float
        lg ‖∂E_T/∂W‖, which is the norm of the sum of the terms.
    exponents : tuple of float
        Lyapunov exponents, the largest first, in natural logarithms a step.
    eigenvalues : tuple of (float, float)
        Of the first square recurrent matrix, real and imaginary part; empty where there is none.
    radius, stretch : float
        The spectral radius and the largest singular value of that matrix; of the largest
        recurrent matrix the singular value where none is square.
    """

    norms: tuple[float, ...]
    bounds: tuple[float, ...]
    carry: tuple[float, ...]
    terms: tuple[float, ...]
    inputs: tuple[float, ...]
    gradient: float
    exponents: tuple[float, ...]
    eigenvalues: tuple[tuple[float, float], ...]
    radius: float
    stretch: float


#: The names of what is measured, in this order.
MEASURED = tuple(field.name for field in fields(Measured))
