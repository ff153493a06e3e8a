"""A text of forward equations to a `Model`: names, roles, shapes, expressions, checks."""

from derivations.reading.reader import read_model

__all__ = ["read_model"]
