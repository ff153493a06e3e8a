"""The adjoint recursion, and the gradients that it gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sympy import Expr, MatrixExpr

from derivations.algebra import add, transpose
from derivations.derivation import Equation, Section
from derivations.expressions import Partial, Quantity, T, TimeSum, ZeroMatrix, t
from derivations.graph import consumers, contributions, shifted, unit
from derivations.jacobians import slopes_written
from derivations.model import Model
from derivations.notation.latex import latex
from derivations.notation.names import at_time
from derivations.recurrence import (
    acting_within_the_step,
    given_values,
    in_order,
    influential,
    uses,
)
from derivations.simplify import divides, tidy_steps
from derivations.states import states
from derivations.writing import EVERY_STEP, adjoint, at_step, gradient, listed, math, write

#: The steps before the last one, where the loss of the last step is not felt directly.
BEFORE_THE_LAST = "1 \\le t < T"


def adjoint_sections(model: Model, rows: Mapping[str, Equation]) -> list[Section]:
    return _Adjoints(model, rows).sections()


def rows_at_the_loss(model: Model, jacobians: Section) -> dict[str, Equation]:
    """Return ∂E_t/∂u_t for every u_t that acts on no state: all of ∂E/∂u_t is in it."""
    late = acting_within_the_step(model)
    return {
        equation.left.by.name: equation
        for equation in jacobians.equations
        if isinstance(equation.left, Partial)
        and equation.left.of == model.loss
        and equation.left.by.name in late
        and len(equation.sides) > 1
    }


class _Adjoints:
    """The adjoints of one model, from the loss back."""

    def __init__(self, model: Model, rows: Mapping[str, Equation]) -> None:
        self._model = model
        self._rows = rows
        self._late = acting_within_the_step(model)
        self._lags = sorted(
            {lag for user, _, lag in uses(model.definitions) if lag and user in influential(model)},
            key=lambda lag: (lag < 0, abs(lag)),
        )
        loss = model.loss.name
        # A loss that looks at other steps is zero beyond the ends, so its adjoint needs a name.
        self._loss_is_named = any(user == loss and lag for user, _, lag in uses(model.definitions))
        self._adjoints: dict[str, MatrixExpr] = {} if self._loss_is_named else {loss: unit()}
        self._named: dict[str, Quantity] = {}

    def sections(self) -> list[Section]:
        definitions: list[Equation] = []
        recursion: list[Equation] = []
        for definition in reversed(in_order(self._model.definitions)):
            quantity = definition.quantity
            if quantity.name not in influential(self._model):
                continue
            if quantity == self._model.loss and not self._loss_is_named:
                continue
            found = self._recursion(quantity)
            if found:
                definitions.append(self._definition(quantity))
                recursion += found
        recursion += self._boundaries()
        return [
            Section("The adjoint recursion", self._text(), (*definitions, *recursion)),
            self._gradients(),
        ]

    # One quantity

    def _definition(self, quantity: Quantity) -> Equation:
        return write(
            f"definition:{quantity.name}",
            [adjoint(quantity), gradient(self._model.total, quantity)],
            "The adjoint: the gradient of the total loss.",
            kind="definition",
        )

    def _is_last(self, quantity: Quantity) -> bool:
        """Tell whether a quantity acts on the loss at the last step only."""
        return self._model.is_last_only and quantity.name in self._late

    def _handed(self, variable: MatrixExpr, *, late: bool | None = None) -> dict[str, MatrixExpr]:
        """Return what the equations of the same step hand back, of those of the last step only,
        of the others only, or of all."""
        found = contributions(self._model, variable, 0, self._adjoints)
        return {
            name: term
            for name, term in found.items()
            if late is None or (name in self._late) == late
        }

    def _later(self, quantity: Quantity, lags: Collection[int]) -> list[MatrixExpr]:
        """Return what equations of other steps hand back."""
        terms: list[MatrixExpr] = []
        for lag in lags:
            users = [d.quantity for d in consumers(self._model, quantity.name, lag)]
            adjoints = {user.name: adjoint(user) for user in users if self._matters(user)}
            terms += contributions(self._model, quantity, lag, adjoints).values()
        return terms

    def _matters(self, quantity: Quantity) -> bool:
        return quantity.name in influential(self._model)

    def _text(self) -> str:
        """Say what replaces the sum over paths, and what δ counts that ∂E/∂s_t does not."""
        ahead, back = (any(lag * sign > 0 for lag in self._lags) for sign in (1, -1))
        towards, passes = "at step $t+1$", "one pass back through time replaces"
        if back:
            towards, passes = "at step $t-1$", "one pass through time replaces"
        if ahead and back:
            towards = "at the steps beside it"
            passes = "one pass back through time, and one ahead for what runs back, replace"
        text = (
            f"The total derivative at step $t$ needs only the one {towards}: {passes} the sum over "
            "paths."
        )
        whole = [s for s in states(self._model) if s.is_named and len(s.current) > 1]
        if whole:
            shown = f"$\\partial {latex(self._model.total)} / \\partial {latex(whole[0].quantity)}$"
            text += (
                f" In {shown} the parts of the state are independent of each other; $\\delta$ "
                "of a part counts what it does through the others, too."
            )
        return text

    def _recursion(self, quantity: Quantity) -> list[Equation]:
        """Return δ of a quantity by the adjoints of what it acts on; nothing if it is inlined."""
        model, own = self._model, adjoint(quantity)
        if quantity == model.loss:
            self._adjoints[quantity.name] = own
            last = model.is_last_only
            return [
                write(
                    f"adjoint:{quantity.name}",
                    [at_step(own, T) if last else own, unit()],
                    "The total loss contains it once.",
                    "" if last else EVERY_STEP,
                )
            ]
        later = self._later(quantity, self._lags)
        formula = add(*self._handed(quantity).values(), *later)
        steps = [formula, *tidy_steps(formula, model.one_hot)]
        row = self._rows.get(quantity.name)
        is_read_out = quantity.name in self._late
        # What looks at another step hands back across steps, and so needs a name.
        is_local = not any(
            user == quantity.name and lag for user, _, lag in uses(model.definitions)
        )
        if divides(steps[-1]) and is_read_out and is_local and (row is None or divides(row.right)):
            # Not named: the division cancels further down.
            self._adjoints[quantity.name] = steps[-1]
            return []
        self._adjoints[quantity.name] = own
        if self._is_last(quantity):
            sides = self._sides(quantity, formula, row)
            return [self._equation("adjoint", quantity, [at_step(s, T) for s in sides], "", [])]
        late = self._handed(quantity, late=True)
        if not model.is_last_only or not late:
            sides = self._sides(quantity, formula, row)
            return [self._equation("adjoint", quantity, sides, EVERY_STEP, self._lags)]
        behind = [lag for lag in self._lags if lag < 0]
        at_last = add(*self._handed(quantity).values(), *self._later(quantity, behind))
        before = [*self._handed(quantity, late=False).values(), *later]
        earlier = add(*before) if before else ZeroMatrix(*quantity.shape)
        sides = [at_step(side, T) for side in self._sides(quantity, at_last, None)]
        return [
            self._equation("last", quantity, sides, "", behind),
            self._equation(
                "adjoint",
                quantity,
                self._sides(quantity, earlier, None),
                BEFORE_THE_LAST,
                self._lags,
                without_late=True,
            ),
        ]

    def _sides(
        self, quantity: Quantity, formula: MatrixExpr, row: Equation | None
    ) -> list[MatrixExpr]:
        model = self._model
        steps = [formula, *tidy_steps(formula, model.one_hot)]
        if row is not None and divides(formula) and not divides(row.right):
            steps = [gradient(model.loss, quantity), transpose(row.right)]
        return [adjoint(quantity), *steps, slopes_written(model, steps[-1])]

    def _equation(
        self,
        kind: str,
        quantity: Quantity,
        sides: list[MatrixExpr],
        conditions: str,
        lags: Sequence[int],
        without_late: bool = False,
    ) -> Equation:
        reason = self._reason(quantity, lags, without_late)
        row = self._rows.get(quantity.name)
        if row is not None and gradient(self._model.loss, quantity) in sides:
            loss = math(self._model.loss)
            reason = f"Of all losses, {math(quantity)} acts on {loss} alone."
        return write(f"{kind}:{quantity.name}", sides, reason, conditions)

    def _reason(self, quantity: Quantity, lags: Sequence[int], without_late: bool) -> str:
        users = [
            shifted(d.quantity, lag)
            for lag in (0, *lags)
            for d in consumers(self._model, quantity.name, lag)
            if self._matters(d.quantity)
            and not (without_late and lag == 0 and d.quantity.name in self._late)
        ]
        if not users:
            return f"Before the last step, {math(quantity)} acts on no loss."
        return f"{math(quantity)} acts on {listed(users)}."

    def _boundaries(self) -> list[Equation]:
        """δ is zero beyond the ends, of everything that uses a state of another step."""
        equations = []
        for state in self._model.states:
            for lag in self._lags:
                for user in consumers(self._model, state.name, lag):
                    if not self._matters(user.quantity):
                        continue
                    side = 1 if lag > 0 else -1
                    for distance in range(1, abs(lag) + 1):
                        step = T + distance if side > 0 else 1 - distance
                        equations.append(self._boundary(user.quantity, step, distance * side))
        return list({equation.label: equation for equation in equations}.values())

    def _boundary(self, quantity: Quantity, step: Expr, distance: int) -> Equation:
        beyond = adjoint(quantity, step)
        ends = "after the last step" if distance > 0 else "before the first step"
        suffix = "" if distance == 1 else f":{distance}"
        return write(
            f"boundary:{quantity.name}{suffix}",
            [beyond, ZeroMatrix(*beyond.shape)],
            f"No loss depends on what lies {ends}: zero, by convention, whatever stands beside it.",
            "",
            "given",
        )

    # Gradients

    def _gradients(self) -> Section:
        equations = [self._of_parameter(parameter) for parameter in self._model.parameters]
        for data in self._model.data:
            if data.name not in self._model.targets:
                equations += self._of_data(data)
        for state in self._model.states:
            equations += self._of_first_values(state)
        return Section(
            "The gradients",
            "A parameter is shared by all steps; its gradient sums what each use hands back.",
            tuple(equations),
        )

    def _of_parameter(self, parameter: MatrixExpr) -> Equation:
        model = self._model
        if model.is_last_only:
            at_last = self._shown(self._handed(parameter, late=True).values(), parameter)
            summed = self._shown(self._handed(parameter, late=False).values(), parameter)
        else:
            at_last = ZeroMatrix(*parameter.shape)
            summed = self._shown(self._handed(parameter).values(), parameter)
        whole = summed if isinstance(summed, ZeroMatrix) else TimeSum(summed, t, 1, T)
        right = add(whole, at_step(at_last, T))
        reason = "Each step adds what its use of the parameter contributes."
        if isinstance(right, ZeroMatrix):
            reason = "The loss does not depend on this parameter."
        elif isinstance(summed, ZeroMatrix):
            reason = "Only the use at the last step acts on the loss."
        return write(
            f"gradient:{parameter.name}", [Partial(model.total, parameter), right], reason, ""
        )

    def _of_data(self, data: Quantity) -> list[Equation]:
        left = gradient(self._model.total, data)
        reason = "The input acts on the loss through the equations of its own step."
        every = self._shown(self._handed(data).values(), data)
        if not self._model.is_last_only or not self._handed(data, late=True):
            return [write(f"input:{data.name}", [left, every], reason)]
        at_last = write(
            f"last input:{data.name}", [at_step(left, T), at_step(every, T)], reason, ""
        )
        earlier = self._shown(self._handed(data, late=False).values(), data)
        before = write(f"input:{data.name}", [left, earlier], reason, BEFORE_THE_LAST)
        return [at_last, before]

    def _of_first_values(self, state: Quantity) -> list[Equation]:
        """∂E/∂h_0, and likewise by every other value of a state that is given."""
        return [self._of_first_value(given, state) for given in given_values(self._model, state)]

    def _of_first_value(self, given: Quantity, state: Quantity) -> Equation:
        step = given.time
        terms: list[MatrixExpr] = []
        for lag in self._lags:
            # The users stand `lag` steps later than the value: inside of 1 … T.
            is_inside = step + lag - T <= 0 if step.has(T) else step + lag >= 1
            if is_inside:
                terms += [at_step(term, step) for term in self._later(state, [lag])]
        reason = "The loss does not depend on it."
        if terms:
            users = "the first step" if step == 0 and len(self._lags) == 1 else "what uses it"
            reason = f"The given value {math(given)} acts on the loss through {users}."
        return write(
            f"initial:{at_time(given.name, given.time)}",
            [gradient(self._model.total, given), self._shown(terms, state)],
            reason,
            "",
        )

    def _shown(self, terms: Collection[MatrixExpr], variable: MatrixExpr) -> MatrixExpr:
        """Return the sum of what is handed back to a variable; zero where nothing is."""
        shown = []
        for term in terms:
            steps = tidy_steps(term, self._model.one_hot)
            shown.append(slopes_written(self._model, steps[-1] if steps else term))
        return add(*shown) if shown else ZeroMatrix(*variable.shape)
