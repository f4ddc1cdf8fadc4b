"""`ConvSparseCoder`: learn kernels, and encode images or signals as sums of convolutions with them."""

import numpy as np
from scipy.sparse import csr_array, vstack
from sklearn.utils.validation import check_is_fitted

from .._core.validation import fit_context, unchanged_on_failure
from ..encoder import Capabilities, Encoder, available_if_capable
from ._fit import encode, fitted_state, restored
from ._parameters import CONSTRAINTS
from ._start import start_fit


class ConvSparseCoder(Encoder):
    r"""Learn kernels for convolutional sparse coding and encode images with them (give `dictionary` to encode only).

    The code of an image s is a map x_k of coefficients for each kernel d_k, which minimise

        0.5 ||sum_k d_k * x_k - s||^2 + pen(x),

    where ``pen(x) = alpha sum_k ||x_k||_1`` unless another penalty is chosen; learning minimises the mean of that over
    kernels of unit norm. Maps are pooled over the regions of a grid, so that classifiers can follow; ``pool=None``
    keeps them.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of kernels to learn; None means 32, or as many as are given.
    kernel_shape : int, (int, int), (int,) or None, default=None
        Height and width of a kernel in pixels; with ``(length,)`` samples are signals, and a second axis of
        `input_shape` are channels. None is that of kernels that are given, or 8, or as much as the sample has.
    penalty : str, Penalty or None, default=None
        A name of `sparsecode.penalties.PENALTIES` such as "cel0", or a penalty such as ``MCP(gamma=2)``; None is "l1".
        `WeightedL1` may have a weight for each kernel, or for each coefficient in the order of maps (``pool=None``),
        where large weights leave out parts of all images. Kernels whose least weight is r times that of others are to
        be rare: they are replaced only if they are never used, after r times as long. What fixes a number of
        coefficients is not taken.
    alpha : float or None, default=None
        Weight of the penalty, > 0. With None, and no `target_sparsity`, coefficients enter at 0.1 of the largest
        possible correlation: ``alpha=0.1, alpha_scale="max"`` for l1.
    alpha_scale : {"absolute", "max"}, default="absolute"
        Whether `alpha` is meant as it is or, with "max", as a fraction of alpha_max, the weight at which the code of an
        image vanishes: the median over the training images (those that are not zero), for a given dictionary of the
        largest correlation with a kernel, for kernels to be learned of the largest norm of a patch of their size
        (without its mean, with `zero_mean`), each over its weight if there are any. Fixed in fit, kept as `alpha_`.
    target_sparsity : float or None, default=None
        Share of coefficients that are not zero, over the training set (at most 2^18 positions of maps, of images that
        are drawn at random), which fit finds the weight for. One coefficient for each two pixels is 0.5 / n_components.
    positive : bool, default=False
        Whether codes are kept non-negative.
    solver : str, default="auto"
        A name of `sparsecode.convolutional.SOLVERS`; "auto" takes the best for the problem, see `solve_convolutional`.
    dictionary : Dictionary or array-like of shape (n_components, [n_channels,] [height,] width) or None, default=None
        Kernels to use as they are, of any norm. With None, kernels are learned.
    boundary : {"circular", "valid", "symmetric", "mask"}, default="circular"
        What lies beyond the border of an image, and with it the size of maps: see `ConvolutionOperator`.
    init : {"random", "data"}, Dictionary or array-like, default="random"
        First kernels: Gaussian directions, random patches of the images, or given ones such as
        ``Dictionary.log_gabor(...)`` or the `dictionary_` of a `SparseCoder`, scaled to unit norm. Where these have
        several sizes (`Dictionary.shapes`), they keep them.
    zero_mean : bool, default=True
        Whether learned kernels have no mean (in each channel). Images are then learned from and coded without theirs,
        and `score` compares them without; `inverse_transform` puts the means of a `reference` back. Given kernels are
        used as they are, and so are images.
    positive_dict : bool, default=False
        Whether learned kernels are kept non-negative; not with `zero_mean`.
    window : {"disc"} or None, default=None
        With "disc", learned kernels are zero outside the ellipse that touches the sides of their box: no orientation
        has more room than others.
    pool : {"max", "mean"} or None, default="max"
        What a region keeps of a map, positive and negative parts apart. None gives all maps, which can be inverted.
    grid : int or (int, int), default=2
        Regions down and across, (2, 2) for quadrants. A coefficient belongs to the region where the centre of its
        kernel lies, with boundary="valid" by its rank among the places of centres: these keep away from the border.
    sparse_output : bool, default=False
        Whether transform returns a CSR array: of maps about one percent of the memory.
    input_shape : tuple of int, int or None, default=None
        Shape of a sample: (height, width) or (height, width, n_channels) of images, the length of signals. X may then
        be given as (n_samples, *input_shape) too. With None a row is a signal.
    max_iter : int, default=20
        Largest number of epochs of learning.
    batch_size : int, default=8
        Images coded between two updates of the kernels.
    encode_max_iter : int or None, default=None
        Largest number of iterations of the solver for an image; None takes the solver's own.
    encode_tol : float, default=1e-3
        Largest certificate of a code, in learning too: see `solve_convolutional`.
    tol : float, default=1e-3
        Learning stops when three epochs have lowered the mean objective by no more than this share. With 0 it runs
        `max_iter` epochs.
    n_jobs : int or None, default=None
        Threads, as in scikit-learn. Results do not depend on it, bit for bit.
    random_state : int, RandomState, Generator or None, default=None
        Seed of initial kernels and of the order of images.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    dictionary_ : Dictionary
        The kernels; of unit norm if learned. Axes "y" and "x", "channel" before them for images in colour.
    penalty_ : Penalty
        Penalty in use, with its weight.
    alpha_ : float
        Weight in use.
    code_shape_ : tuple
        Sign (2, if codes have signs), kernel, regions down and across; with pool=None kernel, rows and columns of its
        map, or positions for signals.
    code_dims_ : tuple of str
        Names of these axes: "sign", "atom", "region_y", "region_x"; or "atom", "y", "x" ("position" for signals).
    n_iter_ : int
        Epochs run, by fit and each partial_fit; 1 with `dictionary`.
    history_ : structured ndarray of shape (n_epochs,)
        As of `SparseCoder`; means are over images.
    n_resampled_ : int
        Kernels replaced by patches of the largest residual, because they were not used for long.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range or at odds, kernels larger than the images, channels that do not agree, X that is
        empty, not finite or constant, images without a known pixel, pooled codes that are to be inverted.

    Warns
    -----
    ConvergenceWarning
        Once a call, if images reached `encode_max_iter` before `encode_tol`; or if fit finds that all codes are zero.
    UserWarning
        If transform finds that.

    Notes
    -----
    Learning alternates between codes of a batch and kernels, by statistics that only coefficients that are not zero
    take part in, ``Phi_kj(e) = sum_p x_k(p) x_j(p + e)`` and ``Psi_k(q) = sum_p x_k(p) s(p + q)``. They are decayed and
    added up as by `SparseCoder` (an image counts as many samples as kernels cover it), and kernels are updated by block
    coordinate descent, O(K^2 h w) a pass, however large the images. ``3 K^2 (2h - 1) (2w - 1)`` numbers are held for K
    kernels of h x w pixels: 5 MB for the default in float64, 132 MB for 144 of 12 x 12 in float32; codes are not kept.
    Coding takes nearly all of the time.

    The defaults were chosen with 27 parts of photographs of 64 x 64 pixels, as they are (less local means in brackets),
    and 9 others to look at: 17 (14) epochs leave 0.77 (0.83) of their variance explained, with 0.13 (0.12) coefficients
    for a pixel, and no kernel idle. With alpha=0.2 it was 0.55 (0.64), with 0.05 coefficients. With ``zero_mean=False``
    photographs as they are made all kernels constant. Kernels that are cut off by their box want a larger one.

    Pixels that are not known (`mask`) have no part in codes. In the statistics they are those of the reconstruction,
    which bounds the error of the others: learning costs the same, in smaller steps the more is missing.

    `partial_fit` in chunks that are multiples of `batch_size` gives the bits of one call, if `alpha` is absolute and
    `init` is not "data". Input may be float32, which is faster, or float64, and codes have the same type.

    References
    ----------
    M. D. Zeiler, D. Krishnan, G. W. Taylor and R. Fergus, "Deconvolutional networks", CVPR (2010).

    T. Moreau, L. Oudre and N. Vayatis, "DICOD: distributed convolutional coordinate descent for convolutional sparse
    coding", ICML (2018).

    H. Ladret, C. Casanova and L. U. Perrinet, "Kernel heterogeneity improves sparseness of natural images
    representations", Neuromorph. Comput. Eng. 4(3) (2024).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sparsecode import ConvSparseCoder
    >>> images = load_digits().images[:50]
    >>> coder = ConvSparseCoder(4, kernel_shape=4, input_shape=(8, 8), max_iter=2, random_state=0)
    >>> coder.fit_transform(images).shape, coder.code_shape_
    ((50, 32), (2, 4, 2, 2))

    Maps, and what they stand for:

    >>> maps = coder.set_params(pool=None).transform(images)
    >>> maps.reshape(-1, *coder.code_shape_).shape, coder.inverse_transform(maps).shape
    ((50, 4, 8, 8), (50, 64))
    """

    _parameter_constraints = CONSTRAINTS
    _invertible_with = "pool=None"

    def __init__(
        self,
        n_components=None,
        *,
        kernel_shape=None,
        penalty=None,
        alpha=None,
        alpha_scale="absolute",
        target_sparsity=None,
        positive=False,
        solver="auto",
        dictionary=None,
        boundary="circular",
        init="random",
        zero_mean=True,
        positive_dict=False,
        window=None,
        pool="max",
        grid=2,
        sparse_output=False,
        input_shape=None,
        max_iter=20,
        batch_size=8,
        encode_max_iter=None,
        encode_tol=1e-3,
        tol=1e-3,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.n_components = n_components
        self.kernel_shape = kernel_shape
        self.penalty = penalty
        self.alpha = alpha
        self.alpha_scale = alpha_scale
        self.target_sparsity = target_sparsity
        self.positive = positive
        self.solver = solver
        self.dictionary = dictionary
        self.boundary = boundary
        self.init = init
        self.zero_mean = zero_mean
        self.positive_dict = positive_dict
        self.window = window
        self.pool = pool
        self.grid = grid
        self.sparse_output = sparse_output
        self.input_shape = input_shape
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.encode_max_iter = encode_max_iter
        self.encode_tol = encode_tol
        self.tol = tol
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def capabilities(self):
        """Return what codes are and what the coder can do: only maps that are not pooled have signs and an inverse."""
        if hasattr(self, "_fit"):
            positive = self._fit.penalty.positive
        else:
            positive = self.positive or getattr(self.penalty, "positive", False)
        signed = self.pool is None and not positive
        return Capabilities("real", invertible=self.pool is None, stateful=False, online=True, signed=bool(signed))

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, mask=None):
        """Learn kernels from images, or take `dictionary` and fix the weight of the penalty.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, *input_shape)
        y : Ignored
        mask : array-like of bool, of the shape of X, or None, default=None
            True where a pixel is known; None is everywhere. The others may have any value, NaN too.

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            X, mask = self._check_known(X, mask, reset=True)
            fit, rng = start_fit(self, X, mask)
            fit.code_form(self.pool, self.grid)  # raises where they do not go together
            if fit.state is not None:
                fit = fit.learn(self, X, mask, epochs=self.max_iter, rng=rng)
            self._fit = fit
            fit.publish(self)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, mask=None):
        """Go on learning from images, once and in their order, in batches of `batch_size`.

        The first call, or `fit`, fixes the penalty and its weight, the shape of images, the boundary, the initial
        kernels and what they are kept to; later changes of these parameters wait for `fit`. With `target_sparsity` each
        call finds the weight anew. A call that fails or is interrupted leaves the estimator as it was.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, *input_shape)
        y : Ignored
        mask : array-like of bool, of the shape of X, or None, default=None
            True where a pixel is known.

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            self._validate_params()  # scikit-learn does it for the first call only
            first = not hasattr(self, "_fit")
            X, mask = self._check_known(X, mask, reset=first)
            fit = start_fit(self, X, mask)[0] if first else self._fit
            fit.code_form(self.pool, self.grid)  # raises where they do not go together
            if (self.dictionary is None) != (fit.state is not None):
                raise ValueError(
                    "`dictionary` was changed since the first call, between kernels that are given and kernels that "
                    "are learned; call fit, or learn in a new ConvSparseCoder(init=kernels)."
                )
            if fit.state is not None:
                fit = fit.learn(self, X, mask, epochs=1, rng=None)
            self._fit = fit
            fit.publish(self)
        return self

    def transform(self, X, mask=None):
        """Return the codes of images.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, *input_shape)
        mask : array-like of bool, of the shape of X, or None, default=None
            True where a pixel is known; ``inverse_transform`` of the maps fills in the others.

        Returns
        -------
        ndarray, or CSR array if `sparse_output`, of shape (n_samples, prod(code_shape_))
            With the dtype of X (float64 unless X is float32).
        """
        check_is_fitted(self)
        self._validate_params()  # they may have been set since fit
        codes = encode(self._fit, self, *self._check_known(X, mask, reset=False))
        if self.sparse_output:
            return vstack([csr_array(block) for block in codes], format="csr")
        return np.concatenate(codes)

    @available_if_capable("invertible")
    def inverse_transform(self, X, reference=None, mask=None):
        """Return the images that maps stand for, sums of convolutions with the kernels.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, prod(code_shape_))
            Maps, as from ``transform`` with pool=None.
        reference : array-like of shape (n_samples, n_features) or (n_samples, *input_shape) or None, default=None
            Images, such as those that were coded, whose means (of each channel) are added where fit and `transform`
            leave means out: where kernels were learned with `zero_mean`.
        mask : array-like of bool, of the shape of `reference`, or None, default=None
            True where a pixel of it is known.

        Returns
        -------
        ndarray of shape (n_samples, n_features)

        Raises
        ------
        ValueError
            If the codes have another width, such as pooled ones, or `reference` another number of images.
        """
        check_is_fitted(self)
        try:
            codes = csr_array(self._check_codes(X))
        except ValueError as error:
            if "columns, but codes" in str(error):
                raise ValueError(f"{error} Codes that were pooled cannot be inverted.") from None
            raise
        images = self._fit.operator(codes.dtype, self.n_jobs).decode(codes)
        if reference is None:
            return images
        return self._fit.with_means(images, *self._check_known(reference, mask, reset=False))

    def _coded_part(self, X):
        return self._fit.prepare(X)

    @property
    def dictionary_(self):
        """The kernels as a `Dictionary`."""
        check_is_fitted(self)
        return self._fit.dictionary

    @property
    def alpha_(self):
        """Weight of the penalty in use."""
        return self.penalty_.alpha

    @property
    def code_shape_(self):
        """Shape of a code."""
        check_is_fitted(self)
        return self._fit.code_form(self.pool, self.grid).shape

    @property
    def code_dims_(self):
        """Names of the axes of `code_shape_`."""
        check_is_fitted(self)
        return self._fit.code_form(self.pool, self.grid).dims

    def _sample_shape(self, reset):
        # Of this fit, whatever the parameter is now
        return super()._sample_shape(reset) if reset else self._fit.layout.sample_shape

    def _get_fitted_state(self):
        return fitted_state(self._fit)

    def _set_fitted_state(self, scalars, arrays):
        self._fit = restored(self, scalars, arrays)
        self._fit.publish(self)
