"""Naive values of penalties, from the published formulas."""

import numpy as np


def value(penalty, w, norms):
    """Return the penalty of each code along the last axis; `norms` are the squared norms of the atoms."""
    w, a = np.abs(np.asarray(w, dtype=float)), np.sqrt(norms)
    alpha = getattr(penalty, "alpha", None)
    match type(penalty).__name__:
        case "L1":
            return alpha * w.sum(-1)
        case "WeightedL1":
            return alpha * (w if penalty.weights is None else np.asarray(penalty.weights) * w).sum(-1)
        case "ElasticNet":  # Zou & Hastie 2005, in scikit-learn's parametrisation
            return alpha * penalty.l1_ratio * w.sum(-1) + 0.5 * alpha * (1 - penalty.l1_ratio) * (w**2).sum(-1)
        case "L0":
            return alpha * np.count_nonzero(w, axis=-1)
        case "CEL0":  # Soubies, Blanc-Feraud & Aubert 2015, equation 2.4
            inside = w <= np.sqrt(2 * alpha) / a
            return (alpha - 0.5 * a**2 * (w - np.sqrt(2 * alpha) / a) ** 2 * inside).sum(-1)
        case "MCP":  # Zhang 2010: alpha times the integral of (1 - t / (gamma alpha))_+
            t = np.minimum(w, penalty.gamma * alpha)
            return (alpha * (t - t**2 / (2 * penalty.gamma * alpha))).sum(-1)
        case "SCAD":  # Fan & Li 2001: the integral of alpha min(1, (gamma alpha - t)_+ / ((gamma - 1) alpha))
            line, t = np.minimum(w, alpha), np.clip(w, alpha, penalty.gamma * alpha)
            gamma, square = penalty.gamma, (t**2 - alpha**2) / 2
            return (alpha * line + (gamma * alpha * (t - alpha) - square) / (gamma - 1)).sum(-1)
        case "LHalf":
            return alpha * (w ** (1 / 2)).sum(-1)
        case "LTwoThirds":
            return alpha * (w ** (2 / 3)).sum(-1)
        case "LogSum":
            return alpha * np.log(1 + w / penalty.eps).sum(-1)
        case "KSparse":
            return np.where(np.count_nonzero(w, axis=-1) <= penalty.n_nonzero_coefs, 0.0, np.inf)
        case "SparseEnvelope":
            return 0.5 * alpha * np.apply_along_axis(squared_k_support_norm, -1, w, penalty.n_nonzero_coefs)


def squared_k_support_norm(w, k):
    """Argyriou, Foygel & Srebro 2012, proposition 2.1."""
    w = np.sort(np.abs(w))[::-1]
    if k >= len(w):
        return (w**2).sum()
    for r in range(k):  # their r is the only one for which the mean lies between two magnitudes
        head, tail = w[: k - r - 1], w[k - r - 1 :].sum()
        if (r == k - 1 or head[-1] > tail / (r + 1)) and tail / (r + 1) >= w[k - r - 1]:
            break
    return (head**2).sum() + tail**2 / (r + 1)


def half_threshold(x, weight):
    """Minimise (u - x)^2 + weight sqrt(|u|) as Xu, Chang, Xu & Zhang 2012 do, equations 10 to 12."""
    if abs(x) <= 54 ** (1 / 3) / 4 * weight ** (2 / 3):
        return 0.0
    phi = np.arccos(weight / 8 * (abs(x) / 3) ** -1.5)
    return 2 / 3 * x * (1 + np.cos(2 * np.pi / 3 - 2 / 3 * phi))
