"""`ImageThreshold`: images as the pixels that are bright, or that lie on edges."""

import numpy as np
from scipy.sparse import csr_array
from sklearn.utils.validation import check_is_fitted

from .._core.history import as_history
from .._core.samples import as_shape
from .._core.validation import Integral, Interval, Real, StrOptions, fit_context, unchanged_on_failure
from ..encoder import Capabilities, Encoder


class ImageThreshold(Encoder):
    r"""Code images by the pixels above a threshold, or by those on edges, one bit for each.

    Parameters
    ----------
    threshold : "otsu", "edges" or float, default="otsu"
        What pixels must exceed to be ones: a number, in the unit of X, or the one that divides the pixels of each image
        into two classes of least variance. "edges" are those of Canny's detector.
    skeleton : bool, default=False
        Whether the regions of ones are thinned to lines of one pixel.
    sigma : float, default=1.0
        Standard deviation of the Gaussian that smoothes images before edges are looked for, in pixels; of no effect
        without ``threshold="edges"``. Of the slopes that are found, those above 0.2 of the stretched range are edges,
        and those above 0.1 that go on from one, as scikit-image has it.
    input_shape : tuple of two ints or None, default=None
        Shape (height, width) of the images, which are rows of X or arrays (n, height, width). None for rows of any
        numbers, which have neither edges nor skeletons.
    sparse_output : bool, default=False
        Whether codes are a CSR array.

    Attributes
    ----------
    code_shape_ : tuple
        `input_shape`, or ``(n_features,)``.
    dictionary_ : None
    n_iter_ : int
        1.
    history_ : structured ndarray of shape (0,)
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, edges or skeletons without an `input_shape` of two sides, NaN and infinity.

    Notes
    -----
    Nothing is learned from X: each image is coded by itself, in O(pixels). For a threshold of Otsu and for edges it is
    first stretched to [0, 1], so that brightness and contrast do not matter; an image of one value has no ones.

    References
    ----------
    N. Otsu, "A threshold selection method from gray-level histograms", IEEE Trans. Syst. Man Cybern. 9:62-66 (1979).
    J. Canny, "A computational approach to edge detection", IEEE Trans. PAMI 8:679-698 (1986). Both by scikit-image.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.sdr import ImageThreshold
    >>> image = np.zeros((1, 7, 7))
    >>> image[0, 1:6, 1:6] = 3
    >>> encoder = ImageThreshold(skeleton=True, input_shape=(7, 7))
    >>> int(ImageThreshold().fit_transform(image.reshape(1, -1)).sum()), int(encoder.fit_transform(image).sum())
    (25, 4)
    """

    _parameter_constraints = {  # noqa: RUF012
        "threshold": [StrOptions({"otsu", "edges"}), Interval(Real, None, None, closed="neither")],
        "skeleton": ["boolean"],
        "sigma": [Interval(Real, 0, None, closed="neither")],
        "input_shape": [tuple, list, Integral, None],
        "sparse_output": ["boolean"],
    }

    def __init__(self, threshold="otsu", *, skeleton=False, sigma=1.0, input_shape=None, sparse_output=False):
        self.threshold = threshold
        self.skeleton = skeleton
        self.sigma = sigma
        self.input_shape = input_shape
        self.sparse_output = sparse_output

    def capabilities(self):
        """Return what codes are: binary."""
        return Capabilities("binary", invertible=False, stateful=False, online=False, signed=False)

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the images; nothing is learned from them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, height, width)
        y : Ignored

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            X = self._check_input(X, reset=True)
            shape = X.shape[1:] if self.input_shape is None else as_shape(self.input_shape)
            if len(shape) != 2 and (self.skeleton or self.threshold == "edges"):
                raise ValueError(
                    f"edges and skeletons need the shape of the images, `input_shape`=(height, width), got "
                    f"{self.input_shape!r}."
                )
            self.code_shape_ = tuple(map(int, shape))
            self.n_iter_, self.history_ = 1, as_history([])
        return self

    def transform(self, X):
        """Return the ones of each image.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, height, width)

        Returns
        -------
        ndarray or CSR array of shape (n_samples, n_features), bool
        """
        check_is_fitted(self)
        self._validate_params()
        X = self._check_input(X, reset=False)
        codes = np.stack([self._ones(row) for row in X])
        if self.skeleton:
            from skimage.morphology import skeletonize

            codes = np.stack([skeletonize(image).ravel() for image in codes.reshape(-1, *self.code_shape_)])
        return csr_array(codes) if self.sparse_output else codes

    def _ones(self, row):
        """Return the ones of an image by itself."""
        if isinstance(self.threshold, Real):
            return np.greater(row, self.threshold)
        low, high = float(row.min()), float(row.max())
        if low == high:
            return np.zeros(row.shape, bool)
        half = 1.0 if np.isfinite(high - low) else 0.5
        image = (row.astype(np.float64) * half - low * half) / (high * half - low * half)
        if self.threshold == "edges":
            from skimage.feature import canny

            return canny(image.reshape(self.code_shape_), sigma=self.sigma).ravel()
        from skimage.filters import threshold_otsu

        return image > threshold_otsu(image)

    def _get_fitted_state(self):
        return {"code_shape": self.code_shape_}, {}

    def _set_fitted_state(self, scalars, arrays):
        self.code_shape_ = tuple(scalars["code_shape"])
        self.n_iter_, self.history_ = 1, as_history([])
