"""The alternating direction method with balanced residuals, step by step: what published codes were made with."""

import numpy as np
from scipy.fft import irfft2, rfft2

from ._checks import check_images, check_operator

#: Over-relaxation; residuals that differ by more than this factor change rho, by no more than the last factor.
RELAXATION, IMBALANCE, LARGEST = 1.8, 1.2, 1000.0


def balanced_steps(image, D, alpha):
    r"""Yield the sparse iterate of each step of the alternating direction method, from zero, for l1 codes of one image.

    With ``v = y - u`` and division by frequency,

        x = v + D^T (s - D v) / (rho + D D^T),    t = 1.8 x - 0.8 y + u,    y <- S(t, alpha / rho),    u <- t - y.

    After each step rho is multiplied, and u divided, by ``sqrt(r / (c d))``, a factor of 1000 at the most, if r and
    c d differ by more than 1.2 times: of the residuals ``r = ||x - y|| / max(||x||, ||y||)`` and ``d = ||y - y_before||
    / ||u||``. It starts at ``rho = 50 alpha + 1``, and ``c = 1 + 18.3^(1 + log10 alpha)``. These are the rules of the
    reference implementation [1]_ and of studies that stop it after a number of steps [2]_: this function is for looking
    at those. `solve_convolutional` is at the least objective long before, and says so.

    Parameters
    ----------
    image : array-like of shape image_shape, or flattened
        Computed in the dtype of D.
    D : ConvolutionOperator
        Of boundary "circular", without channels.
    alpha : float
        Weight of the l1 penalty, > 0.

    Yields
    ------
    ndarray of shape code_shape
        Maps y, a new array each time: without end, so take what is wanted with `itertools.islice`.

    Raises
    ------
    TypeError
        If D is no `ConvolutionOperator`.
    ValueError
        If D has channels or another boundary, `alpha` is not positive, or the image has a wrong shape or is not finite.

    See Also
    --------
    solve_convolutional : Codes with a certificate.

    Notes
    -----
    A step costs 2 K transforms, O(K N log N), and about six stacks of maps, K N numbers each. rho changes without end,
    and the iteration need not converge: with three random kernels on 9 x 8 pixels, at 0.005 of the largest alpha, the
    objective was 0.2 % above the least after 100 steps, and 15 % after 1000. y is sparse but does not fit the image
    until x and y meet; how far it is from the least objective depends on the kernels
    (``gallery/plot_heterogeneous_kernels.py``): after 100 steps with the weight and the 12 x 12 log-Gabor kernels of
    [2]_ it was 1.6 times that with one bandwidth, and 3.6 times with six.

    References
    ----------
    .. [1] B. Wohlberg, "Efficient algorithms for convolutional sparse representations", IEEE Trans. Image Process. 25
       (2016); "SPORCO: a Python package for standard and convolutional sparse representations", SciPy (2017).
    .. [2] H. J. Ladret, C. Casanova and L. U. Perrinet, "Kernel heterogeneity improves sparseness of natural images
       representations", Neuromorph. Comput. Eng. 4(3), 034004 (2024).

    Examples
    --------
    >>> from itertools import islice
    >>> from sparsecode.convolutional import ConvolutionOperator, balanced_steps
    >>> D = ConvolutionOperator([[1.0, -1.0], [1.0, 1.0]], image_shape=4)
    >>> [y[0, 1].round(3).item() for y in islice(balanced_steps([0, 3, -3, 0], D, 1.0), 0, 30, 10)]
    [0.177, 2.089, 2.49]
    """
    if check_operator(D).boundary != "circular" or D.has_channels:
        raise ValueError("`D` must be of boundary 'circular', without channels.")
    if not 0 < alpha < np.inf:
        raise ValueError(f"`alpha` must be a positive number, got {alpha!r}.")
    size, shape = int(np.prod(D.image_shape)), np.shape(image)
    if shape not in (D.image_shape, (size,)):
        raise ValueError(f"`image` must have shape {D.image_shape}, or ({size},) flattened, got {shape}.")
    row = check_images(np.reshape(image, (1, -1)), D)[0].astype(D.dtype, copy=False)
    return _steps(row.reshape(D.geometry.image_shape), D, float(alpha))


def _steps(image, D, alpha):
    shape, spectrum, workers = image.shape, D.spectrum[:, 0], D.workers
    transform, rho, balance = rfft2(image), 50 * alpha + 1, float(1 + 18.3 ** (1 + np.log10(alpha)))
    y = u = np.zeros((len(spectrum), *shape), D.dtype)
    tiny = np.finfo(D.dtype).tiny
    while True:
        v = y - u
        q = (transform - np.einsum("kij,kij->ij", spectrum, rfft2(v, workers=workers))) / (rho + D.power)
        x = v + irfft2(spectrum.conj() * q, shape, workers=workers)
        t = RELAXATION * x - (RELAXATION - 1) * y + u
        y, before = np.sign(t) * np.maximum(np.abs(t) - alpha / rho, 0), y
        u = t - y
        yield y.reshape(D.code_shape)
        primal = _norm(x - y) / max(_norm(x), _norm(y), tiny)
        dual = balance * _norm(y - before) / max(_norm(u), tiny)
        if min(primal, dual) > 0 and max(primal, dual) > IMBALANCE * min(primal, dual):
            factor = float(np.clip(np.sqrt(primal / dual), 1 / LARGEST, LARGEST))
            rho, u = rho * factor, u / factor


def _norm(maps):
    return float(np.linalg.norm(maps))
