"""A reading: what is taken as meant where a formula as written leaves it open or fails."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """How a claim is read; the default is as written, by the conventions of the house.

    Attributes
    ----------
    name : str
        What is told to people; empty as written.
    hadamard_first : bool
        ⊙ binds more tightly than the matrix product.
    elementwise : bool
        Two vectors side by side are multiplied entry by entry.
    denominator : bool
        Jacobians in denominator layout, ∂u/∂v with |v| rows.
    ascending : bool
        A product over steps is written in the order of time.
    diagonal : str
        Vectors beside matrices are diagonal matrices: ``""`` never, ``here`` where they stand,
        ``left`` in front of the matrices of their term.
    outer : bool
        The elementwise product of a column and a row is their outer product.
    rows : bool
        Vectors are rows, though the forward equations have columns.
    weights_behind : bool
        Vectors are rows and weights stand behind them: every matrix is the transpose of the
        forward equations' own.
    scalar : bool
        Every quantity has one entry.
    immediate : str
        Which derivatives hold everything else fixed: ``""`` none but those that say so, ``steps``
        those between quantities of different steps, ``parameters`` those by a parameter, ``again``
        those on the right that stand on the left, too.
    slope_of_output : bool
        f′ is the slope as a function of the output: tanh′(y) = 1 − y².
    loss_alone : bool
        In a sum over k, ∂L/∂h_k is the derivative of the loss of step k alone.
    last_loss : bool
        There is a loss at the last step only.
    preactivation_gradients : str
        A name; the gradient that it names, defined at a function's output, stands for that at
        the function's argument.
    preactivation_state : bool
        The state is the preactivation: h_t = W f(h_{t−1}) + ….
    lower : int or None
        Where a product begins whose lower limit is left out.
    empty_ranges : bool
        A range that runs backwards is empty, and not a sign that the instance is not meant.
    """

    name: str = ""
    hadamard_first: bool = False
    elementwise: bool = False
    denominator: bool = False
    ascending: bool = False
    diagonal: str = ""
    outer: bool = False
    rows: bool = False
    weights_behind: bool = False
    scalar: bool = False
    immediate: str = ""
    slope_of_output: bool = False
    loss_alone: bool = False
    last_loss: bool = False
    preactivation_gradients: str = ""
    preactivation_state: bool = False
    lower: int | None = None
    empty_ranges: bool = False

    @property
    def is_notational(self) -> bool:
        """Whether the signs alone are read otherwise: quantities and derivatives stay the same."""
        return self == Reading(
            self.name,
            hadamard_first=self.hadamard_first,
            elementwise=self.elementwise,
            diagonal=self.diagonal,
            outer=self.outer,
            slope_of_output=self.slope_of_output,
            lower=self.lower,
        )


AS_WRITTEN = Reading()
