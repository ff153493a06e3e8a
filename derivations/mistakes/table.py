"""The table of the mistakes that circulate: what each is called, where it arises, why it tempts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from derivations.mistakes import adjoints, jacobians, sums
from derivations.mistakes.trees import Subject, Wrong

_CHAIN = ("step", "product")


@dataclass(frozen=True)
class Kind:
    """A kind of mistake.

    Attributes
    ----------
    name : str
        What it is called, a few words.
    topics : tuple of str
        The topics of the equations in which people make it, the most usual first.
    wrongs : callable
        Yields the wrong forms of a side.
    why : str
        One sentence: why it tempts, or how to see that it is one.
    reference : str
        One sentence: where it stands in print, if that is known.
    """

    name: str
    topics: tuple[str, ...]
    wrongs: Callable[[Subject], Iterator[Wrong]]
    why: str
    reference: str = ""


#: All kinds, the most instructive first.
KINDS = (
    Kind(
        "The Jacobian of the other network",
        ("product", "step"),
        jacobians.other_network,
        "Both networks are called the simple recurrent network, and formulas are carried over from "
        "one to the other.",
    ),
    Kind(
        "The direct way alone",
        ("own",),
        adjoints.other_state_forgotten,
        "The direct way is the one that most pictures show, and the first LSTM was trained with "
        "the others cut off (Hochreiter and Schmidhuber, Long short-term memory, 1997).",
    ),
    Kind(
        "A sum that stops too early",
        ("paths", "exchange"),
        sums.sum_too_short,
        "The parameter acts at the step of the loss itself, too.",
    ),
    Kind(
        "One path for all",
        ("paths",),
        sums.one_path,
        "A picture of the unrolled network leads the eye along one chain, but the parameter is "
        "used at every step.",
    ),
    Kind(
        "A total derivative for an immediate one",
        ("paths", "exchange"),
        sums.total_for_immediate,
        "Many texts write both with the same symbol.",
    ),
    Kind(
        "The loss of one step for the whole loss",
        ("adjoint", "exchange"),
        adjoints.own_loss_only,
        "A state acts on the loss of its own step and, through other states, on those of other "
        "steps.",
    ),
    Kind(
        "A transpose too many",
        ("product", "step"),
        jacobians.transpose_added,
        "A Jacobian is read as a gradient: the shapes fit, because the matrix is square.",
        "Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, "
        "2013, equation (5), has one.",
    ),
    Kind(
        "A way that is forgotten",
        ("adjoint",),
        adjoints.way_left_out,
        "Every equation that uses a quantity hands a term back to it; count the uses.",
    ),
    Kind(
        "The factor of the wrong step",
        ("gradient",),
        adjoints.factor_of_other_step,
        "A gradient meets what its parameter was multiplied by in the forward equation.",
    ),
    Kind(
        "A value for an argument",
        ("adjoint", "local", "step", "product"),
        jacobians.value_for_argument,
        "In code the slope is computed from the stored value; that does not say it is taken there.",
    ),
    Kind(
        "A transpose that is missing",
        ("adjoint", "initial"),
        jacobians.transpose_dropped,
        "What goes forward through a matrix comes back through its transpose; the shapes fit, "
        "because the matrix is square.",
    ),
    Kind(
        "Factors in the wrong order",
        (*_CHAIN, "block", "local"),
        jacobians.factors_swapped,
        "Matrices do not commute: what the change meets first stands at the right.",
    ),
    Kind(
        "A slope at the wrong step",
        (*_CHAIN, "adjoint"),
        jacobians.slope_at_other_step,
        "A slope belongs to the step at which its function was applied.",
    ),
    Kind(
        "The state before as a constant",
        ("paths",),
        sums.past_held_fixed,
        "The state before depends on the parameter itself.",
    ),
    Kind(
        "A product that is one factor too long",
        ("product", "exchange"),
        sums.product_too_long,
        "Between a step and itself there is no factor at all: try equal steps.",
    ),
    Kind(
        "The last step alone",
        ("gradient",),
        sums.only_the_last_step,
        "The parameter is shared by all steps.",
    ),
    Kind(
        "The wrong sign",
        ("adjoint", "readout", "local"),
        adjoints.sign_turned,
        "The error is often written as target minus output; its gradient has the other sign.",
    ),
    Kind(
        "A slope that is missing",
        ("adjoint",),
        adjoints.slope_forgotten,
        "What goes forward through a function comes back through its slope.",
    ),
    Kind(
        "A factor on one term alone",
        ("adjoint",),
        adjoints.factor_on_one_term,
        "All that comes back to a quantity passes through the function that is applied to it.",
    ),
    Kind(
        "The slope of another function",
        ("slope", "adjoint"),
        jacobians.slope_of_another_function,
        "Both slopes are written in terms of the value, and look alike.",
    ),
    Kind(
        "Softmax entry by entry",
        ("local",),
        jacobians.softmax_entry_by_entry,
        "Softmax is no function of each entry: all arguments stand in the sum that it divides by.",
    ),
    Kind(
        "A gradient in the other layout",
        ("gradient",),
        adjoints.outer_product_turned,
        "The gradient has the shape of the parameter; for a square one the transpose fits, too.",
    ),
)


__all__ = ["KINDS", "Kind"]
