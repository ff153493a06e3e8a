"""One network in many digits: what doubles call a counterexample is one, or was rounding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from derivations.claims.floating import check_square, named_norm
from derivations.claims.lanes import LOOSENESS, Key
from derivations.proof.arithmetic import Array, Real, Undecidable


class Precise(Real):
    """The arithmetic of one network whose numbers are given.

    Parameters
    ----------
    draws : mapping of key to number
    digits : int
    """

    def __init__(self, draws: Mapping[Key, Any], digits: int) -> None:
        super().__init__(0)
        self._context.dps = digits
        self._draws = dict(draws)

    def draw(self, *key: object) -> Any:
        return self._context.mpf(self._draws.get(key, 0))

    def settle(self, name: str, step: int | None, value: Any) -> None:
        """Give a scalar quantity a value before anything asks for it."""
        self._draws[name, step, 0, 0] = value

    def unspecified(self, name: str, step: int, values: Sequence[Any]) -> tuple[Any, list[Any]]:
        size, shift = self.draw(name, step, "size"), self.draw(name, step, "shift")
        value, slopes = super().unspecified(name, step, values)
        return size * value + shift, [size * slope for slope in slopes]

    def largest(self, values: Sequence[Any]) -> Any:
        return max(values)

    def looseness(self, name: str) -> Any:
        return 1 + max(self.draw(LOOSENESS, name), 0)

    def radius(self, array: Array) -> Any:
        """Return the largest absolute eigenvalue."""
        check_square(array.shape)
        if array.shape == (1, 1):  # mpmath answers this case in another form
            return abs(array[0, 0])
        matrix = self._context.matrix(array.tolist())
        try:
            found = self._context.eig(matrix, left=False, right=False)
        except RuntimeError as error:  # the iteration does not end
            raise Undecidable(f"no eigenvalues: {error}") from None
        return max(abs(value) for value in found)

    def _spectral(self, array: Array) -> Any:
        matrix = self._context.matrix(array.tolist())
        try:
            return max(self._context.svd_r(matrix, compute_uv=False))
        except RuntimeError as error:
            raise Undecidable(f"no singular values: {error}") from None

    def norm(self, array: Array, kind: str) -> Any:
        """Return a norm, by the rules of `floating.norms`."""
        matrix = array.reshape(array.shape[0], -1)
        is_vector = 1 in matrix.shape
        sizes = [[abs(entry) for entry in row] for row in matrix]
        entries = [entry for row in sizes for entry in row]
        match named_norm(kind), is_vector:
            case "largest", True:
                return max(entries)
            case "largest", False:
                return max(sum(row) for row in sizes)
            case "one", True:
                return sum(entries)
            case "one", False:
                return max(sum(column) for column in zip(*sizes, strict=True))
            case "spectral", False:
                return self._spectral(matrix)
            case _:
                return self._context.sqrt(sum(entry * entry for entry in entries))
