"""One step back, many steps back: ∂s_t/∂s_{t−1} by its blocks, and ∂s_t/∂s_k as a product."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from sympy import MatrixExpr, ZeroMatrix

from derivations.algebra import add, multiply
from derivations.carries import carries
from derivations.derivation import Equation, Section
from derivations.expressions import (
    AscendingProduct,
    Partial,
    Quantity,
    TimeProduct,
    t,
)
from derivations.graph import along, consumers, local_jacobian, paths, reaches
from derivations.jacobians import slopes_written
from derivations.model import Definition, Model
from derivations.notation.latex import latex
from derivations.simplify import everywhere, merge_diagonals
from derivations.states import (
    State,
    block,
    block_sign,
    is_closed,
    response,
    step_matrix,
    written_block,
)
from derivations.writing import at_step, listed, math, running_steps, write


def chain(model: Model, state: State) -> Section:
    """Return the derivatives of a state by the one before, and by one many steps before."""
    is_forward = state.direction > 0
    equations = _blocks(model, state) if state.is_named else _single_step(model, state)
    text = (
        "A product over time runs against time, and the empty product is the identity."
        if is_forward
        else "A product with an arrow runs with time, and the empty product is the identity."
    )
    if state.is_named:
        text = _about_blocks(state) + " " + text
        equations += _own_chains(model, state) if is_closed(model, state) else []
    if is_closed(model, state):
        equations.append(_product(model, state))
    else:
        text += (
            f" Here {math(state.quantity)} also acts on what runs the other way, and comes back "
            "from there: no product of these Jacobians alone holds all of that."
        )
    text += _carousels(model, state)
    way = "back" if is_forward else "ahead"
    return Section(f"One step {way}, many steps {way}", text, tuple(equations))


def _about_blocks(state: State) -> str:
    shown = math(state.quantity)
    return (
        f"What a step hands on is the whole state {shown}; its parts are changed one at a time, "
        "the others held fixed. So the blocks of its Jacobian are immediate derivatives, which "
        "follow the equations of one step."
    )


def _single_step(model: Model, state: State) -> list[Equation]:
    """∂h_t/∂h_{t−1} of a state that is one quantity."""
    quantity, before = state.quantity, state.quantity.at(state.before)
    ways = _ways(model, state, quantity)
    written = [_along_way(model, before, first, rest) for first, rest in ways]
    symbolic: list[MatrixExpr] = []
    if (
        len(ways) == 1 and ways[0][1] and is_closed(model, state)
    ):  # a direct way would repeat the left side
        first, rest = ways[0]
        ends = [before, first.quantity, *(d.quantity for d in rest)]
        named = [Partial(u, v) for v, u in itertools.pairwise(ends)]
        symbolic = [multiply(*reversed(named))]
    found = add(*written)
    left = Partial(quantity, before, not is_closed(model, state))
    sides = [left, *symbolic, found, everywhere(merge_diagonals, found)]
    reason = (
        _by_the_state_before(state)
        if all(not rest for _, rest in ways)
        else "The chain rule along the equations of one step."
    )
    return [*_entries(model, state), write("step", sides, reason)]


def _by_the_state_before(state: State) -> str:
    side = "before" if state.direction > 0 else "after"
    return f"The forward equation, differentiated by the state {side}."


def _ways(model: Model, state: State, end: Quantity) -> list[tuple[Definition, list[Definition]]]:
    """Return every way from the state before to a quantity: the first equation, and the rest."""
    return [
        (first, rest)
        for first in consumers(model, state.quantity.name, state.direction)
        for rest in paths(model, first.quantity.name, end.name)
    ]


def _along_way(
    model: Model, before: Quantity, first: Definition, rest: Sequence[Definition]
) -> MatrixExpr:
    return multiply(*along(model, rest, first.quantity), local_jacobian(model, first, before))


def _entries(model: Model, state: State) -> list[Equation]:
    """Return ∂a_t/∂h_{t−1} for every equation that uses the state before it."""
    before = state.quantity.at(state.before)
    equations = []
    for user in consumers(model, state.quantity.name, state.direction):
        ways = _ways(model, state, user.quantity)
        if user.quantity == state.quantity or not reaches(
            model, user.quantity.name, state.quantity.name
        ):
            continue
        found = add(*(_along_way(model, before, first, rest) for first, rest in ways))
        equations.append(
            write(
                f"local:{user.quantity.name}/{before.name}",
                [Partial(user.quantity, before, not is_closed(model, state)), found],
                _by_the_state_before(state)
                if len(ways) == 1
                else f"{math(before)} acts on {math(user.quantity)} in {len(ways)} ways.",
            )
        )
    return equations


def _blocks(model: Model, state: State) -> list[Equation]:
    """∂s_t/∂s_{t−1}: every block that is not zero, then all of them."""
    equations = []
    for row in state.current:
        for member in state.members:
            column = member.at(member.time - state.direction)
            sign = block_sign(model, row, column)
            if isinstance(sign, ZeroMatrix):
                continue
            found = block(model, state, row, column)
            equations.append(
                write(
                    f"block:{row.name}/{column.name}:{column.time}",
                    [sign, found, everywhere(merge_diagonals, found)],
                    "The equations of one step, differentiated with the rest of the state before "
                    "it held fixed.",
                )
            )
    before = state.quantity.at(state.before)
    equations.append(
        write(
            f"step:{state.quantity.name}",
            [
                Partial(state.quantity, before, not is_closed(model, state)),
                step_matrix(model, state),
            ],
            "All blocks of one step together.",
        )
    )
    return equations


def _own_chains(model: Model, state: State) -> list[Equation]:
    """∂c_t/∂c_{t−1} in full: a part of the state also acts through the other parts before it."""
    equations = []
    for member in state.current:
        before = member.at(state.before)
        others = [m for m in state.current if m.name != member.name]
        own = block_sign(model, member, before)
        ways = [
            (other, way)
            for other in others
            if isinstance(block_sign(model, member, other.at(state.before)), Partial)
            and not isinstance(way := response(model, other, member, ()), ZeroMatrix)
        ]
        if not ways or isinstance(own, ZeroMatrix):
            continue
        symbolic, full = [own], [written_block(model, member, before)]
        for other, way in ways:
            then = other.at(state.before)
            symbolic.append(multiply(Partial(member, then, True), Partial(then, before, True)))
            full.append(multiply(written_block(model, member, then), at_step(way, state.before)))
        limits = "2 \\le t \\le T" if state.direction > 0 else "1 \\le t \\le T - 1"
        merged = everywhere(merge_diagonals, add(*full))
        equations.append(
            write(
                f"own:{member.name}",
                [Partial(member, before), add(*symbolic), merged, slopes_written(model, merged)],
                f"{math(before)} acts on {math(member)} directly, and through "
                f"{listed([other.at(state.before) for other, _ in ways])}.",
                limits,
            )
        )
    return equations


def _product(model: Model, state: State) -> Equation:
    k, j = running_steps(model)
    quantity = state.quantity
    step = Partial(quantity, quantity.at(state.before))
    written = step if state.is_named else _single_step(model, state)[-1].right
    if state.direction > 0:
        sides = [
            Partial(quantity, quantity.at(k)),
            TimeProduct(at_step(step, j), j, k + 1, t),
            TimeProduct(at_step(written, j), j, k + 1, t),
        ]
        way, limits = "back", f"0 \\le {k} \\le t \\le T"
    else:
        sides = [
            Partial(quantity, quantity.at(k)),
            AscendingProduct(at_step(step, j), j, t, k - 1),
            AscendingProduct(at_step(written, j), j, t, k - 1),
        ]
        way, limits = "ahead", f"1 \\le t \\le {k} \\le T + 1"
    other = "later" if way == "back" else "earlier"
    return write(
        "product" if not state.is_named else f"product:{quantity.name}",
        sides,
        f"The chain rule along the steps: the only way from one state to {_article(other)} one "
        "leads through the states between.",
        limits,
    )


def _article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


# The constant error carousel


def _carousels(model: Model, state: State) -> str:
    """Say which terms lead from a part of the state to itself past all weights and slopes."""
    found = carries(model, state)
    if not found:
        return ""
    first, *others = [
        (
            f"$\\partial {latex(carry.member)} / \\partial {latex(carry.before)}$",
            math(carry.factor),
        )
        for carry in found
    ]
    also = "".join(f" So does, in {place}, the term {term}." for place, term in others)
    return (
        f" In {first[0]} the term {first[1]} leads from one step to the next entry by entry, past "
        "every weight matrix and every slope: where it is the identity, it hands an error on "
        f"unchanged over any number of steps.{also} Such a term is the constant error carousel of "
        "Hochreiter and Schmidhuber (1997)."
    )
