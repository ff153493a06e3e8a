"""What an emitted module may offer besides the loss and its gradients."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Options:
    """The options of an emitted module.

    Attributes
    ----------
    checkpoint : bool
        Whether the states before every ⌈√T⌉-th step are kept alone, and the rest is recomputed.
    truncate : bool
        Whether there is truncated back-propagation through time.
    stream : bool
        Whether a sequence can be given in chunks.
    lengths : bool
        Whether the sequences of a batch may end at different steps.
    clip : bool
        Whether gradients can be clipped by their global norm.
    """

    checkpoint: bool = False
    truncate: bool = False
    stream: bool = False
    lengths: bool = False
    clip: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of those that are chosen.

        Examples
        --------
        >>> Options(stream=True, clip=True).names
        ('stream', 'clip')
        """
        return tuple(field.name for field in fields(self) if getattr(self, field.name))

    @property
    def segments(self) -> bool:
        """Whether the module computes segments of a sequence."""
        return self.checkpoint or self.truncate or self.stream or self.lengths

    @property
    def mask(self) -> bool:
        """Whether the losses of some steps may count for nothing."""
        return self.truncate or self.lengths


#: A module without options.
PLAIN = Options()

__all__ = ["PLAIN", "Options"]
