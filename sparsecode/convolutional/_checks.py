"""What goes into `solve_convolutional` and `alpha_max`, checked."""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_array

from .._core.validation import known_entries
from ..penalties import Penalty
from ..solvers._codes import canonical
from .operator import ConvolutionOperator


def check_operator(D):
    """Return D, or say that it is no operator, or that its kernels cannot be squared."""
    if not isinstance(D, ConvolutionOperator):
        raise TypeError(
            f"`D` must be a ConvolutionOperator, got {type(D).__name__}; make one with "
            "ConvolutionOperator(kernels, image_shape)."
        )
    if not np.isfinite(D.kernels).all():
        raise ValueError("`D` has kernels that hold NaN or infinity.")
    return D


def check_penalty(penalty):
    """Return a separable penalty, or say which are."""
    if not isinstance(penalty, Penalty):
        raise TypeError(f"`penalty` must be a penalty such as L1(alpha=0.5), got {penalty!r}.")
    if not penalty.separable:
        raise ValueError(
            f"{penalty!r} is no sum over coefficients, which convolutional solvers ask for; take l1, l0, CEL0, MCP, "
            "SCAD or another separable penalty."
        )
    return penalty


def check_images(X, D, mask=None):
    """Return images as rows of finite numbers, float32 or float64, zero where they are not known, and what is known."""
    options = {"dtype": [np.float64, np.float32], "input_name": "X", "ensure_min_samples": 0}
    X = check_array(X, allow_nd=True, ensure_all_finite=mask is None, **options)
    rows, known = _flat(X, D), None
    if mask is not None:
        rows, known = known_entries(rows, mask, D.image_shape)
    return check_array(rows, order="C", **options), known


def check_start(init, D, penalty, n_samples):
    """Return codes to start from as a CSR array, or None."""
    if init is None:
        return None
    shape = n_samples, int(np.prod(D.code_shape))
    given = np.shape(init)
    if given not in (shape, (n_samples, *D.code_shape)):
        raise ValueError(f"`init` must have shape {shape} or {(n_samples, *D.code_shape)}, got {given}.")
    codes = init if issparse(init) else np.reshape(init, shape)
    codes = check_array(codes, dtype=D.dtype, accept_sparse="csr", input_name="init")
    codes = canonical(codes)
    if penalty.positive and codes.nnz and codes.data.min() < 0:
        raise ValueError(f"`init` has negative coefficients, which {penalty!r} forbids; use numpy.maximum(init, 0).")
    return codes


def _flat(array, D):
    """Return images as rows, or say what shape they should have."""
    size, shape = int(np.prod(D.image_shape)), np.shape(array)
    if array.ndim == 2 and shape[1] == size:
        return array
    if array.ndim > 2 and shape[1:] == D.image_shape:
        return array.reshape(len(array), size)
    whole = ", ".join(map(str, D.image_shape))
    hint = "; for one image give X[None]" if shape == D.image_shape else ""
    raise ValueError(
        f"`X` must have shape (n_samples, {size}) or (n_samples, {whole}) for an operator of image_shape "
        f"{D.image_shape}, got {shape}{hint}."
    )
