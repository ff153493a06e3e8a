"""The nearest true statement to a false one, and what was changed."""

from derivations.claims.repairs.repair import Repair, repair

__all__ = ["Repair", "repair"]
