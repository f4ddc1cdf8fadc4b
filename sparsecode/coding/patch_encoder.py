"""`PatchEncoder`: images, or signals, as the pooled codes of their patches, one row each."""

import copy
import math

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_is_fitted

from .._core.arrays import stacked
from .._core.rng import as_generator
from .._core.validation import Integral, Interval, StrOptions, fit_context, joined_warnings, unchanged_on_failure
from ..encoder import Capabilities, Encoder, as_dense, available_if_capable
from ..preprocessing import PatchExtractor
from ._nested import seeded_clone
from ._patch_plan import gather, make_plan, sources, sparse_rows


class PatchEncoder(Encoder):
    r"""Encode images by the codes of their patches: one row for each image, so that classifiers can follow.

    An encoder learns from patches of all images. The code of an image pools, over each region R of a grid, the
    codes w(p) of the patches p that lie in it, positive and negative parts apart:

        max_{p in R} max(w_k(p), 0)   and   max_{p in R} max(-w_k(p), 0)

    for each atom k (with pool="mean", means instead of maxima).

    Parameters
    ----------
    encoder : Encoder
        What codes the patches, such as `SparseCoder`; it is cloned. Encoders of sequences are refused.
    patch_size : int or (int, int), default=8
        Height and width of a patch in pixels. Signals without `input_shape` have patches of that length or, if they are
        shorter, their own.
    stride : int or (int, int), default=1
        Pixels between neighbouring patches, down and across.
    pool : {"max", "mean"} or None, default="max"
        What a region keeps of the codes of its patches. None keeps all codes, which makes long rows.
    grid : int or (int, int), default=2
        Regions down and across, (2, 2) for quadrants; on an axis with fewer patches, each is a region.
    n_patches : int, default=10_000
        Patches that `fit` and each `partial_fit` draw to learn from, at any position; all, if there are fewer.
    input_shape : (int, int), int or None, default=None
        Height and width of the images, which are grey. X may then be given as (n_samples, height, width) too. With
        an int or None, a row is a signal.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the patches to learn from, and of the encoder where its own `random_state` is None.

    Attributes
    ----------
    encoder_ : Encoder
        The fitted encoder of patches.
    dictionary_ : Dictionary or None
        Its atoms, of the shape of a patch.
    code_shape_ : tuple
        Sign (2, if codes have signs and are pooled), the shape of the codes of a patch, then regions (or patches,
        with pool=None) down and across.
    code_dims_ : tuple of str
        Names of these axes.
    n_iter_ : int
        Of `encoder_`.
    history_ : structured ndarray
        Of `encoder_`.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, patches larger than the images, images in colour, an encoder of sequences, and
        whatever the encoder raises.

    Notes
    -----
    Splitting the signs follows Coates and Ng. Logistic regression on digits (half of them to learn from, 32 atoms of
    4 x 4, means over 5 seeds, spread 0.4 points) is right in 98.2 % with patches as they are and in 98.4 % if the mean
    of each patch is subtracted. Of the latter, magnitudes instead of split signs leave 98.3 %, and 89 instead of 96 %
    where the whole image is one region. On faces (`skimage.data.lfw_subset`, 10 seeds) subtracting means lost
    1.8 points: therefore patches are coded as they are. ``SparseCoder(fit_dc=True)`` codes means apart, and
    `sparsecode.preprocessing.Whitener` evens out contrast. Encoders without negative codes (``positive=True``) have no
    signs to split, and rows half as long.

    `transform` costs the coding of all patches, about ``height * width / stride^2`` for each image. Patches and codes
    are in memory in blocks of 32 MB (49 MB at the most were measured, with the work of the coder, for a photograph of
    512 x 512), apart from the result. For n_jobs see the encoder: it is ``encoder__n_jobs`` here.

    See Also
    --------
    sparsecode.preprocessing.PatchExtractor : one row for each patch, to learn from.

    References
    ----------
    A. Coates and A. Y. Ng, "The importance of encoding versus training with sparse coding and vector quantization",
    ICML (2011).

    J. Yang, K. Yu, Y. Gong and T. Huang, "Linear spatial pyramid matching using sparse coding for image
    classification", CVPR (2009).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sparsecode import PatchEncoder, SparseCoder
    >>> images = load_digits().images[:100]
    >>> encoder = PatchEncoder(SparseCoder(16, max_iter=5), patch_size=4, input_shape=(8, 8), random_state=0)
    >>> encoder.fit_transform(images).shape
    (100, 128)
    >>> encoder.code_shape_, encoder.code_dims_
    ((2, 16, 2, 2), ('sign', 'atom', 'region_y', 'region_x'))
    """

    _parameter_constraints = {  # noqa: RUF012  (scikit-learn's way to declare them)
        "encoder": [Encoder],
        "patch_size": [Interval(Integral, 1, None, closed="left"), tuple, list],
        "stride": [Interval(Integral, 1, None, closed="left"), tuple, list],
        "pool": [StrOptions({"max", "mean"}), None],
        "grid": [Interval(Integral, 1, None, closed="left"), tuple, list],
        "n_patches": [Interval(Integral, 1, None, closed="left")],
        "input_shape": [tuple, list, Integral, None],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        encoder,
        patch_size=8,
        *,
        stride=1,
        pool="max",
        grid=2,
        n_patches=10_000,
        input_shape=None,
        random_state=None,
    ):
        self.encoder = encoder
        self.patch_size = patch_size
        self.stride = stride
        self.pool = pool
        self.grid = grid
        self.n_patches = n_patches
        self.input_shape = input_shape
        self.random_state = random_state

    def capabilities(self):
        """Return what codes are and what the encoder can do; all but the code of a region is that of `encoder`."""
        if not isinstance(self.encoder, Encoder):
            return Capabilities("real", invertible=False, stateful=False, online=False)
        of_patch = self.encoder.capabilities()
        if self.pool is None:
            return of_patch._replace(stateful=False)
        binary = of_patch.code_kind == "binary" and self.pool == "max"
        kind = "binary" if binary else "real"
        return Capabilities(kind, invertible=False, stateful=False, online=of_patch.online, signed=False)

    @fit_context(prefer_skip_nested_validation=False)  # the encoder is the user's
    def fit(self, X, y=None):
        """Draw patches from the images and let a clone of the encoder learn from them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, *input_shape)
        y : Ignored

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            X = self._check_input(X, reset=True)
            self._start()
            self.encoder_.fit(self._draw(X))
            self._n_seen = len(X)
        return self

    @available_if_capable("online")
    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X, y=None):
        """Let the encoder go on learning from patches of these images.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, *input_shape)
        y : Ignored

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            self._validate_params()  # scikit-learn does it for the first call only
            first = not hasattr(self, "encoder_")
            X = self._check_input(X, reset=first)
            if first:
                self._start()
            else:  # an interrupt after this line must find the old one
                self.encoder_ = copy.deepcopy(self.encoder_)
            self.encoder_.partial_fit(self._draw(X))
            self._n_seen += len(X)
        return self

    def transform(self, X):
        """Return the codes of images.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, *input_shape)

        Returns
        -------
        ndarray or CSR array of shape (n_samples, prod(code_shape_))
            With the dtype of X (float64 unless X is float32), or bool where patches have binary codes and `pool` is not
            "mean". CSR where `encoder` makes CSR arrays and ``pool=None``.
        """
        check_is_fitted(self)
        self._validate_params()
        X = self._check_input(X, reset=False)
        plan, width = self._plan(), math.prod(self.encoder_.code_shape_)
        with joined_warnings():
            parts = self._codes_of_patches(X, plan, width)
            if self.pool is not None:
                return self._pooled(parts, plan, width, X)
            if self.sparse_output:
                return sparse_rows(parts, len(X), plan.positions, width)
            codes = np.empty((len(X), width, *plan.positions), self._code_dtype(X.dtype))
            for images, band, of_patches, seen in parts:
                of_patches = as_dense(of_patches)
                # Image by image, to stay in the cache
                for code, places in zip(codes[images, :, band], seen, strict=True):
                    code[...] = np.moveaxis(of_patches[places], 2, 0)
        return codes.reshape(len(X), -1)

    def _codes_of_patches(self, X, plan, width):
        """Yield images and rows of patches, codes of patches, and which of these is seen at each place.

        A patch is coded once as long as it stands still.
        """
        windows, changes, codes, seen = plan.windows(X), plan.changes(X), None, None
        for images, band in plan.blocks(len(X), width):
            patches, changed = windows[images, band], changes[images, band]
            rows = (patches if changed.all() else patches[changed]).reshape(-1, math.prod(plan.patch))
            last = codes[seen[-1].reshape(-1)] if images.start else None
            if len(rows):
                codes = self.encoder_.transform(rows)
                codes = codes if issparse(codes) else as_dense(codes)
            if last is None:
                seen = sources(changed)
            else:  # codes of the image before come first
                codes = stacked([last, codes]) if len(rows) else last
                seen = sources(np.concatenate([np.ones_like(changed[:1]), changed]))[1:]
            yield images, band, codes, seen

    def _pooled(self, parts, plan, width, X):
        """Return what regions keep of the codes of their patches."""
        split = self._splits_signs()
        codes = np.zeros((len(X), 1 + split, width, *plan.regions), self._code_dtype(X.dtype))
        for images, band, of_patches, seen in parts:
            of_patches = as_dense(of_patches)[seen]
            i = plan.region_of(band)
            for j, columns in enumerate(plan.spans(1)):
                gather(codes[images, ..., i, j], of_patches[:, :, columns], self.pool, signed=split)
        if self.pool == "mean":
            codes /= plan.region_sizes().astype(codes.dtype)
        return codes.reshape(len(X), -1)

    def _update(self, image, changed, code):
        """Return the code of an image by that of another one, from which it differs in some pixels."""
        if self.pool is not None:
            return as_dense(self.transform(image[None]))[0] if changed.any() else code
        plan = self._plan()
        places = plan.windows(changed)[0].any(axis=(2, 3))
        if not places.any():
            return code
        code = code.copy()
        maps = code.reshape(-1, *plan.positions)
        maps[:, places] = as_dense(self.encoder_.transform(plan.windows(image)[0][places].reshape(places.sum(), -1))).T
        return code

    @available_if_capable("invertible")
    def inverse_transform(self, X):
        """Return images whose pixels are means over the reconstructed patches that cover them.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, prod(code_shape_))

        Returns
        -------
        ndarray of shape (n_samples, n_features)

        Raises
        ------
        ValueError
            If the stride leaves pixels that no patch covers.
        """
        codes = self._check_codes(X)
        plan = self._plan()
        extractor = PatchExtractor(plan.patch, stride=plan.stride).fit([np.zeros(plan.image)])
        width = math.prod(self.encoder_.code_shape_)
        images = np.empty((codes.shape[0], *plan.image), codes.dtype)
        for image, i in zip(images, range(codes.shape[0]), strict=True):
            of_patches = as_dense(codes[i : i + 1]).reshape(width, -1).T
            image[...] = extractor.inverse_transform(np.asarray(self.encoder_.inverse_transform(of_patches)))[0]
        return images.reshape(codes.shape[0], -1)

    @property
    def sparse_output(self):
        """Whether codes are a CSR array: those of `encoder` are, and ``pool=None``."""
        return self.pool is None and bool(getattr(getattr(self, "encoder_", self.encoder), "sparse_output", False))

    @property
    def dictionary_(self):
        """The atoms of `encoder_`."""
        check_is_fitted(self)
        return self.encoder_.dictionary_

    @property
    def n_iter_(self):
        """Of `encoder_`."""
        return self.encoder_.n_iter_

    @property
    def history_(self):
        """Of `encoder_`."""
        return self.encoder_.history_

    @property
    def code_shape_(self):
        """Shape of a code."""
        plan = self._plan()
        if self.pool is None:
            return (*self.encoder_.code_shape_, *plan.own(plan.positions))
        return (*(2,) * self._splits_signs(), *self.encoder_.code_shape_, *plan.own(plan.regions))

    @property
    def code_dims_(self):
        """Names of the axes of `code_shape_`."""
        check_is_fitted(self)
        what = "patch" if self.pool is None else "region"
        places = (what,) if self._plan().n_axes == 1 else (f"{what}_y", f"{what}_x")
        return (*("sign",) * self._splits_signs(), *self.encoder_.code_dims_, *places)

    def _splits_signs(self):
        return self.pool is not None and self.encoder_.capabilities().signed

    def _plan(self):
        """Return where patches and regions lie, by the parameters as they are now."""
        check_is_fitted(self)
        plan = make_plan(self, self.n_features_in_)
        learned = self.encoder_.n_features_in_
        if learned != math.prod(plan.patch) or self.n_features_in_ != math.prod(plan.image):
            raise ValueError(
                f"`patch_size` or `input_shape` was changed since fit, to patches of {math.prod(plan.patch)} pixels of "
                f"images of {math.prod(plan.image)}; the encoder has learned from patches of {learned} of images of "
                f"{self.n_features_in_}. Call fit again."
            )
        return plan

    def _start(self):
        """Set an encoder that has not learned yet."""
        if self.encoder.capabilities().stateful:
            raise ValueError(
                f"`encoder` is a {type(self.encoder).__name__}, for which rows are moments of time; patches have no "
                "order. Give an encoder whose capabilities().stateful is False."
            )
        rng = as_generator(self.random_state)
        encoder = seeded_clone(self.encoder, rng)
        plan = make_plan(self, self.n_features_in_)
        if "input_shape" in encoder.get_params(deep=False) and encoder.input_shape is None:
            encoder.set_params(input_shape=plan.own(plan.patch))
        self.encoder_ = encoder
        self._seed = int(rng.integers(2**63))
        self._n_seen = 0

    def _draw(self, X):
        """Return the rows of patches to learn from."""
        windows = make_plan(self, self.n_features_in_)._replace(stride=(1, 1)).windows(X)
        n_available = math.prod(windows.shape[:3])
        rng = np.random.default_rng([self._seed, self._n_seen])  # other places in each chunk
        chosen = rng.choice(n_available, min(self.n_patches, n_available), replace=False)
        return windows[np.unravel_index(chosen, windows.shape[:3])].reshape(len(chosen), -1)

    def _get_fitted_state(self):
        return {"encoder": self.encoder_, "seed": self._seed, "n_seen": self._n_seen}, {}

    def _set_fitted_state(self, scalars, arrays):
        encoder, seed, n_seen = scalars["encoder"], scalars["seed"], scalars["n_seen"]
        if arrays or not isinstance(encoder, Encoder) or not min(seed, n_seen) >= 0:
            raise ValueError("the encoder of patches or the seed is missing, or something else is there.")
        check_is_fitted(encoder)
        self.encoder_, self._seed, self._n_seen = encoder, seed, n_seen
        self._plan()
