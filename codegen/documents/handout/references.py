"""Where the mathematics of a handout comes from."""

from __future__ import annotations

from codegen.documents.document import Items, Section

#: The sources that hold for every model, in the order of their years.
_SOURCES = (
    "J. T. Schwartz, Fast probabilistic algorithms for verification of polynomial identities. "
    "Journal of the ACM 27 (1980) 701–717.",
    "P. J. Werbos, Backpropagation through time: what it does and how to do it. "
    "Proceedings of the IEEE 78 (1990) 1550–1560.",
    "Y. Bengio, P. Simard and P. Frasconi, Learning long-term dependencies with gradient descent "
    "is difficult. IEEE Transactions on Neural Networks 5 (1994) 157–166.",
    "R. J. Williams and D. Zipser, Gradient-based learning algorithms for recurrent networks and "
    "their computational complexity. Backpropagation: Theory, Architectures and Applications "
    "(1995) 433–486.",
    "S. Hochreiter and J. Schmidhuber, Long short-term memory. Neural Computation 9 (1997) "
    "1735–1780.",
    "F. A. Gers, J. Schmidhuber and F. Cummins, Learning to forget: continual prediction with "
    "LSTM. Neural Computation 12 (2000) 2451–2471.",
    "K. B. Petersen and M. S. Pedersen, The Matrix Cookbook. Technical University of Denmark "
    "(2012).",
    "R. Pascanu, T. Mikolov and Y. Bengio, On the difficulty of training recurrent neural "
    "networks. Proceedings of the 30th International Conference on Machine Learning (2013) "
    "1310–1318.",
    "A. M. Saxe, J. L. McClelland and S. Ganguli, Exact solutions to the nonlinear dynamics of "
    "learning in deep linear neural networks. International Conference on Learning Representations "
    "(2014).",
    "I. Goodfellow, Y. Bengio and A. Courville, Deep Learning. MIT Press (2016), section 10.2.2.",
)


def references_section() -> Section:
    """Return the list of sources.

    Examples
    --------
    >>> references_section().title
    'References'
    """
    return Section("References", (Items(_SOURCES, is_same_everywhere=True),))


__all__ = ["references_section"]
