"""A network as its forward equations: what is computed, what is data, what is trained."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from sympy import Expr, MatrixExpr, MatrixSymbol, Symbol

from derivations.activations import ACTIVATIONS, FUNCTIONS
from derivations.errors import BpttError, ModelError, Place
from derivations.expressions import Quantity, TimeSum, Unspecified, t
from derivations.notation.names import Scope

if TYPE_CHECKING:
    from derivations.claims.court import Court


@dataclass(frozen=True)
class Definition:
    """One forward equation: a quantity at step t, and what it is computed from.

    Attributes
    ----------
    quantity : Quantity
        The left side, at step t (or timeless, for the total loss).
    expression : MatrixExpr
        The right side.
    place : Place or None
        Where the user wrote it; None for what was added.
    """

    quantity: Quantity
    expression: MatrixExpr
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Model:
    """A recurrent network, read from its forward equations.

    Attributes
    ----------
    title : str
        The heading of the text, or a default.
    definitions : tuple of Definition
        The forward equations, in the user's order, the total loss last.
    parameters : tuple of MatrixSymbol
        What is trained, in order of appearance.
    data : tuple of Quantity
        What is given at every step, in order of appearance.
    states : tuple of Quantity
        What other steps use. Those that later steps use are given before the first step, and those
        that earlier steps use are given behind the last one: see `derivations.recurrence.reach`.
    loss, total : Quantity
        E_t and E.
    targets : frozenset of str
        Names of the data that the output is compared with; no gradient is taken by them.
    one_hot : frozenset of str
        Names of the targets whose entries sum to one.
    zeros : frozenset of str
        Names of the states whose given values are zero.
    scope : Scope
        What the names mean.
    warnings : tuple of str
        What the reader should know about how the text was understood.
    text : str
        What was read.
    refusal : BpttError or None
        Why no derivation can be made of the text: without a loss, say. Claims about such a model
        are judged all the same.
    unmasked : Model or None
        The model whose losses a mask weighs in this one: see `derivations.masking`.

    Examples
    --------
    >>> model = Model.read('''
    ...     h_t = tanh(W h_{t-1} + U x_t + b)
    ...     y_t = V h_t
    ...     E_t depends on y_t
    ... ''')
    >>> [parameter.name for parameter in model.parameters], model.total.name
    (['W', 'U', 'b', 'V'], 'E')
    >>> model.scope.shapes["U"]
    (n, m)
    """

    title: str
    definitions: tuple[Definition, ...]
    parameters: tuple[MatrixSymbol, ...]
    data: tuple[Quantity, ...]
    states: tuple[Quantity, ...]
    loss: Quantity
    total: Quantity
    targets: frozenset[str]
    one_hot: frozenset[str]
    scope: Scope
    zeros: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    text: str = field(default="", compare=False)
    refusal: BpttError | None = field(default=None, compare=False)
    unmasked: Model | None = field(default=None, compare=False)

    @classmethod
    def read(cls, text: str, activation: str | None = None) -> Model:
        """Read a model from LaTeX or plain forward equations and declarations.

        A text that says what claims need, but not all that a derivation needs, is read, too; what
        is missing is then said by `derive`.

        Parameters
        ----------
        text : str
            One equation or declaration a line, or Markdown with ``$$`` around the equations.
        activation : str, optional
            The name of the scalar function that the model's σ stands for.

        Raises
        ------
        BpttError
            With the line, a caret, and what was expected.
        """
        from derivations.claims.source import read_source
        from derivations.reading import read_model  # a reader makes models: the import goes back

        try:
            model = read_model(text)
        except BpttError as refusal:
            try:
                read_source(text)
            except BpttError:
                raise refusal from None
            return cls.incomplete(text, refusal)
        return model if activation is None else model.with_activation(activation)

    @classmethod
    def incomplete(cls, text: str, refusal: BpttError) -> Model:
        """Return a model of which nothing can be derived."""
        nothing = Quantity("", 1, 1, t)
        return cls(
            *("", (), (), (), (), nothing, nothing, frozenset(), frozenset(), Scope()),
            text=text,
            refusal=refusal,
        )

    @cached_property
    def court(self) -> Court:
        """Where claims about the model are judged."""
        from derivations.claims.court import Court
        from derivations.claims.source import read_source

        source = read_source(self.text)
        source.functions.update(self.scope.functions)
        source.axes.update(self.scope.shapes)
        return Court(source)

    def with_activation(self, name: str) -> Model:
        """Return the model with its σ chosen by name.

        Raises
        ------
        ModelError
            When the name is unknown, or the model has no function to choose.
        """
        if name not in ACTIVATIONS:
            raise ModelError(
                f"There is no activation {name!r}.", hint=f"Choose one of {', '.join(ACTIVATIONS)}."
            )
        if not self.scope.functions:
            raise ModelError(
                "This model has no σ to choose.", hint="Its equations name their functions."
            )
        functions = dict.fromkeys(self.scope.functions, FUNCTIONS[name])
        return replace(self, scope=replace(self.scope, functions=functions))

    def definition(self, name: str) -> Definition | None:
        """Return the equation that defines a name, or None for what is given."""
        return next((d for d in self.definitions if d.quantity.name == name), None)

    @property
    def sizes(self) -> tuple[Symbol, ...]:
        """The symbolic sizes, in the order in which the scope names them."""
        axes = [size for shape in self.scope.shapes.values() for size in shape]
        found = [size for axis in axes for size in sorted(axis.free_symbols, key=str)]
        return tuple(dict.fromkeys(found))

    @property
    def is_last_only(self) -> bool:
        """Whether the total loss is that of the last step alone."""
        return not isinstance(self.definitions[-1].expression, TimeSum)

    @property
    def unspecified_functions(self) -> tuple[str, ...]:
        """Names of elementwise functions of which nothing is known."""
        functions = self.scope.functions.items()
        return tuple(name for name, function in functions if function.formula is None)

    @property
    def unspecified_loss(self) -> bool:
        """Whether nothing is known of the loss but what it depends on."""
        definition = self.definition(self.loss.name)
        return definition is not None and isinstance(definition.expression, Unspecified)

    def quantity(self, name: str, time: Expr | int = t) -> Quantity:
        """Return a quantity of the model at a step."""
        return Quantity(name, *self.scope.shapes[name], time)
