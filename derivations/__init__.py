"""The mathematics: forward equations in, proven equations out."""

from derivations.bptt import derive
from derivations.claims import Verdict, check
from derivations.derivation import Derivation, Equation, Section
from derivations.errors import BpttError
from derivations.library import cell, cell_names
from derivations.model import Model
from derivations.proving import prove

__all__ = [
    "BpttError",
    "Derivation",
    "Equation",
    "Model",
    "Section",
    "Verdict",
    "cell",
    "cell_names",
    "check",
    "derive",
    "prove",
]
