"""The nearest true statement to a false one, and what was changed."""

from derivations.claims.repairs.relations import relation_repair
from derivations.claims.repairs.repair import Repair, repair

__all__ = ["Repair", "relation_repair", "repair"]
