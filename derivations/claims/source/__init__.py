"""A source: forward equations, definitions and what is said of the symbols."""

from derivations.claims.source.data import Forward, Rewrite, Source
from derivations.claims.source.reader import read_source

__all__ = ["Forward", "Rewrite", "Source", "read_source"]
