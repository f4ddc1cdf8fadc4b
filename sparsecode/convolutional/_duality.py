r"""Lower bounds of convolutional l1-type problems.

For ``P(x) = 0.5 ||M (D x - s)||^2 + sum_i w_i |x_i| + 0.5 ridge ||x||^2`` and any image r that is zero where s is not
known, with correlations c = D^T r and every b >= 0,

    P >= b <s, r> - 0.5 b^2 ||r||^2 - sum_i max(b |c_i| - w_i, 0)^2 / (2 ridge),

where without a ridge the last sum must be zero: b is at most ``1 / max_i |c_i| / w_i``. The best b of those is
``<s, r> / ||r||^2``. The difference of an objective and a lower bound is a duality gap, whatever codes the two are of;
so the largest bound that a solver has met serves all later codes.
"""

from ._problem import energy, inner


def lower_bound(s, r, top, beyond, ridge):
    """Return the bound for an image r, ``top = max_i |c_i| / w_i`` and ``beyond = sum_i max(|c_i| - w_i, 0)^2``."""
    fit, square = inner(s, r), energy(r)
    scale = min(max(fit, 0.0) / square, 1 / top if top > 0 else 1.0) if square > 0 else 0.0
    bound = scale * fit - 0.5 * scale * scale * square
    if ridge > 0:
        bound = max(bound, fit - 0.5 * square - 0.5 * beyond / ridge)
    return bound
