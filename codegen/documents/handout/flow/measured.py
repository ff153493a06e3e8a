"""Study → what is measured, in figures and in words, and the remedies."""

from __future__ import annotations

import math

from codegen.documents.document import Block, Heading, Paragraph
from codegen.documents.handout.flow.figures import (
    jacobian,
    norms_figure,
    remedies_figure,
    spectrum_figure,
)
from codegen.documents.handout.flow.remedies import NOTHING, Clip, opening, remedies_of
from codegen.documents.handout.flow.sizes import size
from codegen.documents.handout.flow.study import (
    CURVES,
    DIGITS,
    NETWORKS,
    OPEN,
    Study,
    curves,
    median,
)
from codegen.flow.summary import bounds, carry, norms, shares

REMEDIES = "Three remedies are in use, and each acts on something else."
#: A norm that changes by less than this factor, in decimal logarithms, is said to stay.
CLEAR = 2.0
#: A norm is nearer to 1 than another where its logarithm is less by this, and by this share of it.
NEARER, SHARE = 0.1, 0.3


def measured_blocks(study: Study) -> tuple[Block, ...]:
    """Return the figures of a study, and what they show."""
    remedies = remedies_of(study)
    return (
        Heading("Measured"),
        Paragraph(_what(study)),
        norms_figure(study),
        Paragraph(" ".join([*_verdicts(study), *_looseness(study)])),
        Paragraph(_far_shares(study)),
        spectrum_figure(study),
        Heading("Remedies"),
        Paragraph(REMEDIES),
        remedies_figure(study, remedies),
        Paragraph(_clipping(remedies.clip), lead="Clipping."),
        Paragraph(_initialisation(study), lead="Orthogonal initialisation."),
        Paragraph(_gates(study), lead="Gates."),
    )


def _what(study: Study) -> str:
    settings = study.settings
    sign = jacobian(study.probe.bounds.state)
    matrices = any(len(one.axes) == 2 for one in study.probe.recurrent)
    drawn = (
        "The entries of a recurrent matrix are normal; their variance is the square of the gain, "
        "over the number of columns."
        if matrices
        else "The recurrent parameters are normal; their variance is the square of the gain."
    )
    return (
        f"The figures are computed by the code of this derivation, each curve from ${NETWORKS}$ "
        f"random networks whose sizes are all ${settings.size}$, over ${settings.steps}$ steps. "
        f"{drawn} Inputs are normal with deviation ${settings.input_scale:g}$, so that "
        "the states of a network that does not explode stay near zero; biases are zero. What is "
        f"shown is the norm of ${sign}$, and the terms of the gradient of the last loss."
    )


def _verdicts(study: Study) -> list[str]:
    """Return what happens at each gain that is shown."""
    said = []
    for gain in CURVES:
        found = median(study.gaussian[gain], norms)
        start = f"At gain ${gain:g}$, the median norm over ${study.settings.steps}$ steps is "
        if found < -CLEAR:
            said.append(f"{start}${size(found)}$: the gradient vanishes.")
        elif found > CLEAR:
            said.append(f"{start}${size(found)}$: the gradient explodes.")
        else:
            said.append(f"{start}${size(found)}$: the gradient does neither.")
    return said


def _looseness(study: Study) -> list[str]:
    """Return how far the bound is from what is measured."""
    over = round(median(study.plain, bounds) - median(study.plain, norms), DIGITS)
    if not math.isfinite(over):
        return []
    if over < 0.01:
        return ["The bound is reached at gain $1$."]
    return [
        f"At gain $1$ the bound is ${size(over)}$ times as large: it has to hold for every network "
        "and every input, and these are some of them."
    ]


def _far_shares(study: Study) -> str:
    """Return the share of what lies far back in the gradient."""
    far = study.settings.steps // 2
    said = [
        "A dependency over $d$ steps is learnt by the term of that distance in the gradient of the "
        "recurrent parameters."
    ]
    for gain in CURVES:
        found = curves(study.gaussian[gain], shares)
        if found.size:
            total = math.fsum(10.0**value for value in found[1][far:])
            share = round(math.log10(total), DIGITS) if total else -math.inf
            said.append(
                f"At gain ${gain:g}$, the terms of ${far}$ steps back and more have a share of "
                f"${size(share)}$ in the sizes of all."
            )
    return " ".join(said)


def _clipping(clip: Clip) -> str:
    if clip.gradient <= NOTHING:
        return "The gradients of these networks are zero, and there is nothing to clip."
    limit = f"10^{{{clip.limit}}}" if clip.limit else "1"
    factor = round(clip.limit - clip.gradient, DIGITS)
    return (
        "A gradient that is longer than some number is scaled down to that length (Pascanu, "
        "Mikolov, Bengio 2013). At gain "
        f"${clip.gain:g}$, a gradient of norm ${size(clip.gradient)}$ is clipped at "
        f"${limit}$ here, and each of its terms is multiplied by ${size(factor)}$. All "
        "terms are scaled alike, and their shares stay what they were: clipping is a cure for "
        "gradients that explode, and none for those that vanish."
    )


def _initialisation(study: Study) -> str:
    is_matrix = any(len(one.axes) == 2 for one in study.probe.recurrent)
    gaussian, orthogonal, identity = (
        median(group, norms) for group in (study.plain, study.orthogonal, study.identity)
    )
    what = (
        "All singular values of an orthogonal matrix are $1$: it stretches nothing (Saxe, "
        "McClelland, Ganguli 2014)."
        if is_matrix
        else "The recurrent parameters are no matrices here; entries of $1$ and $-1$ are what is "
        "orthogonal, and ones are the identity."
    )
    helps = abs(orthogonal) < abs(gaussian) - max(NEARER, SHARE * abs(gaussian))
    return (
        f"{what} At gain $1$, the median norm over ${study.settings.steps}$ steps is "
        f"${size(gaussian)}$ for Gaussian parameters, ${size(orthogonal)}$ for orthogonal ones, "
        f"and ${size(identity)}$ for the identity. "
        + (
            "Orthogonal ones keep it nearer to $1$."
            if helps
            else "Orthogonal ones do not keep it clearly nearer to $1$ here."
        )
        + " What slopes and gates take away, no choice of the matrices at the start gives back."
    )


def _gates(study: Study) -> str:
    gates, steps = study.gates, study.settings.steps
    closed, opened, without = (
        median(group, norms) for group in (gates.closed, gates.opened, gates.without)
    )
    if gates.own:
        text = (
            f"The bias of a gate that carries the state decides how far it is open at the start "
            "(Gers, Schmidhuber, Cummins 2000). "
            f"With biases at zero, the median norm over ${steps}$ steps is ${size(closed)}$; with "
            f"{opening(gates)} it is ${size(opened)}$; in the plain recurrent network "
            f"it is ${size(without)}$."
        )
    else:
        text = (
            "This cell has no gate that carries its state and that a bias could open; a long "
            f"short-term memory (LSTM) has one. With all its biases at zero, the median norm over "
            f"${steps}$ steps is ${size(closed)}$; with ${OPEN:g}$ as the bias of its forget gate "
            f"it is ${size(opened)}$; of this cell it is ${size(without)}$."
        )
    kept = ""
    if gates.own:
        alone = [round(median(group, carry), DIGITS) for group in (gates.closed, gates.opened)]
        kept = (
            f" The product of the gates alone is ${size(alone[0])}$ with biases at zero and "
            f"${size(alone[1])}$ with open gates."
        )
    return text + kept + _effect(opened, closed)


def _effect(opened: float, closed: float) -> str:
    if opened < closed + CLEAR / 4:
        return " Open gates do not help here."
    if opened > CLEAR:
        return " Open gates carry the gradient over that distance; here it even grows."
    if opened > -CLEAR:
        return " Open gates carry the gradient over that distance."
    return " Open gates make the gradient vanish more slowly."


__all__ = ["measured_blocks"]
