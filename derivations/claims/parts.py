"""What a subscript with ranges takes of a term: rows and columns, W_{:,1:n}.

Ranges that cannot be read stay as they are written: a source may hold them, as long as no claim
asks what they are.
"""

from __future__ import annotations

from dataclasses import replace

from derivations.claims.terms import Entry, Part, Power, Symbol, Term, Transposed, Written
from derivations.errors import NotationError
from derivations.notation import syntax
from derivations.notation.picks import ranges_of
from derivations.notation.spelling import spelled


def part(value: Term, node: syntax.Scripted) -> Term:
    """Return what the ranges behind a bracket take of its value, all of it if there are none.

    Examples
    --------
    >>> from derivations.notation.parse import parse_symbol
    >>> part(Symbol("W"), parse_symbol("W_{:,1:n}")).ranges
    (None, Range(first=1, last=n))
    >>> part(Symbol("W"), parse_symbol("W_{:,1:n/2}")).text
    'W_{:,1:n/2}'
    """
    try:
        ranges = tuple(ranges_of(node))
    except NotationError:
        return _unread(node)
    if not ranges:
        return value
    return _unread(node) if isinstance(value, Entry) else Part(value, ranges)


def part_of_symbol(value: Term, node: syntax.Scripted) -> Term:
    """Return what the ranges behind a symbol take; its transpose or power is that of the part."""
    match value:
        case Transposed(body):
            return Transposed(part_of_symbol(body, node))
        case Power(base, exponent):
            return Power(part_of_symbol(base, node), exponent)
        case Symbol():
            return part(value, node)
    return _unread(node)


def _unread(node: syntax.Scripted) -> Written:
    return Written(spelled(replace(node, superscripts=())))
