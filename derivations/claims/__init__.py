"""Other people's equations: whether they hold, under which reading, and what would mend them."""

from derivations.claims.check import check
from derivations.claims.verdict import Verdict

__all__ = ["Verdict", "check"]
