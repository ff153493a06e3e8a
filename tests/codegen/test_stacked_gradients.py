"""Gradients by data that lie side by side in one array, and are read by nothing but the result."""

from codegen.build import Source, checked_build, checked_source, proven_derivation

TEXT = r"""
f_t = \operatorname{sigmoid}(W_f x_t + U_f h_{t-1} + b_f)
o_t = \operatorname{sigmoid}(W_o x_t + U_o h_{t-1} + b_o)
h_t = f_t \odot o_t
E_t = u_t^\top f_t + v_t^\top o_t + \|h_t\|^2
x_t is the input
u_t is the input
v_t is the input
"""


def test_their_gradients_pass_the_checks() -> None:
    derivation = proven_derivation(Source("paired", TEXT))
    assert "d_u = d_uv" in checked_source(derivation, "paired", "fast")
    assert checked_build(derivation, "paired", "fast")
