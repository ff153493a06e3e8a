"""Random networks of many kinds: an inequality is seldom violated where all weights are alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from derivations.claims.lanes import Doubles, Key

#: Weights are as large as this to the power of −1 to 1.
SPREAD = 10.0
#: The share of networks in which everything is drawn alike, whatever its role.
PLAIN_SHARE = 0.4

_Generator = np.random.Generator


class Sampler:
    """Draws numbers for many networks; the whole of a matrix when an entry is asked for.

    A matrix is dense, orthogonal, diagonal, a multiple of the identity, of rank one, nilpotent,
    far from normal, sparse, constant or zero, and small or large, in each network another way.

    Parameters
    ----------
    count : int
        How many networks.
    seed : int
    shape : callable
        Returns the shape of a quantity.
    one_hot : collection of str
        What has a single entry of one.
    """

    def __init__(
        self,
        count: int,
        seed: int,
        shape: Callable[[str], tuple[int, int]],
        one_hot: frozenset[str] = frozenset(),
    ) -> None:
        self._count = count
        self._seed = seed
        self._shape = shape
        self.one_hot = one_hot
        self._blocks: dict[Key, Doubles] = {}
        generator = self._generator("all")
        self._is_plain = generator.random(count) < PLAIN_SHARE
        self._scale = SPREAD ** generator.uniform(-1, 1, count)

    def __call__(self, key: Key) -> Doubles:
        """Return what is drawn for a key in every network."""
        if len(key) != 4:
            return self._numbers(key)
        name, step, row, column = key
        if (name, step) not in self._blocks:
            self._blocks[name, step] = self._block(name, step)
        return self._blocks[name, step][:, row, column]

    def _generator(self, *key: object) -> _Generator:
        digest = blake2b(repr((self._seed, key)).encode(), digest_size=8).digest()
        return np.random.default_rng(int.from_bytes(digest, "big"))

    def _numbers(self, key: Key) -> Doubles:
        """Numbers that belong to no matrix, such as the frequency of an unspecified function."""
        generator = self._generator(key)
        scale = np.where(
            self._is_plain, self._scale, SPREAD ** generator.uniform(-1, 1, self._count)
        )
        return np.asarray(generator.normal(size=self._count) * scale)

    def _block(self, name: str, step: int | None) -> Doubles:
        generator = self._generator(name, step)
        rows, columns = self._shape(name)
        if name in self.one_hot:
            chosen = generator.integers(rows * columns, size=self._count)
            return np.eye(rows * columns)[chosen].reshape(-1, rows, columns)
        kinds = np.stack(_kinds(generator, self._count, rows, columns))
        kind = np.where(self._is_plain, 0, generator.integers(len(kinds), size=self._count))
        own = SPREAD ** generator.uniform(-1, 1, self._count)
        scale = np.where(self._is_plain, self._scale, own)
        picked = kinds[kind, np.arange(self._count)]
        return np.asarray(picked * scale[:, np.newaxis, np.newaxis])


def _kinds(generator: _Generator, count: int, rows: int, columns: int) -> Sequence[Doubles]:
    """Return one stack of matrices of every kind; the first is dense."""
    dense = generator.normal(size=(count, rows, columns))
    size = max(rows, columns)
    rotation = np.linalg.qr(generator.normal(size=(count, size, size)))[0][:, :rows, :columns]
    ones = np.broadcast_to(np.eye(rows, columns), dense.shape)
    above = np.triu(np.ones((rows, columns)), 1)
    sign = np.sign(generator.normal(size=(count, 1, 1)))
    is_kept: Any = generator.random(size=dense.shape) < 0.5
    return (
        dense,
        rotation,
        dense * ones,
        sign * ones,
        dense[:, :, :1] * dense[:, :1, :],
        dense * above,
        ones + 3 * dense * above,
        dense * is_kept,
        np.broadcast_to(sign, dense.shape),
        np.zeros_like(dense),
    )
