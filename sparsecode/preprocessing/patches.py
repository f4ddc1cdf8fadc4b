"""Patches of images as rows, dense or at random, and images back from dense patches."""

from numbers import Integral

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from .._core.rng import as_generator

FLOATS = [np.float64, np.float32]  # kept as they are; everything else becomes the first


class PatchExtractor(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Cut images into patches, one flattened patch a row.

    The patch at row y and column x of image I is the row

        p[i * width + j] = I[y + i, x + j],    0 <= i < height,  0 <= j < width,

    with y and x multiples of `stride`. Dense rows run over the images in order, then over y, then over x.
    Images may differ in size; those rows no longer tell which image they come from, so this transformer
    stands in unsupervised pipelines: images -> `Whitener` -> `PatchExtractor` -> coder.

    Parameters
    ----------
    patch_size : int or (int, int), default=12
        Height and width of a patch in pixels.
    n_patches : int, default=None
        None gives every patch of the grid that `stride` defines. A number gives that many, drawn without
        replacement and uniformly over all positions of all images, in random order.
    stride : int or (int, int), default=1
        Pixels between neighbouring positions, down and across.
    center : bool, default=False
        Whether to subtract from each patch its own mean. `patch_means` returns what was subtracted.
    random_state : int, RandomState, Generator or None, default=None
        Used by `fit`, which draws the seed of the positions when `n_patches` is a number: the patches of
        one fitted extractor stay the same for images of the same shapes.

    Attributes
    ----------
    image_shapes_ : list of (int, int)
        Heights and widths of the images given to `fit`: what `inverse_transform` restores.
    n_patches_ : int
        Rows that `transform` returns for these images.
    seed_ : int
        Seed of the random positions.

    Notes
    -----
    `transform` costs one copy of each patch, O(n_patches * height * width). `inverse_transform` adds the
    patches where they were cut and divides by the number of patches over each pixel, at the same cost.
    Rows have the dtype of the images where that is float32 or float64, and float64 otherwise.

    See Also
    --------
    sparsecode.preprocessing.Whitener : The step before: flattens the spectrum of whole images.

    References
    ----------
    .. [1] B. A. Olshausen and D. J. Field, "Emergence of simple-cell receptive field properties by learning
       a sparse code for natural images", Nature 381, 607-609, 1996.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.preprocessing import PatchExtractor
    >>> images = [np.arange(12.0).reshape(3, 4), np.ones((2, 5))]
    >>> extractor = PatchExtractor(2).fit(images)
    >>> patches = extractor.transform(images)
    >>> patches.shape
    (10, 4)
    >>> patches[0].tolist()
    [0.0, 1.0, 4.0, 5.0]
    >>> bool(np.allclose(extractor.inverse_transform(patches)[0], images[0]))
    True
    """

    def __init__(self, patch_size=12, *, n_patches=None, stride=1, center=False, random_state=None):
        self.patch_size = patch_size
        self.n_patches = n_patches
        self.stride = stride
        self.center = center
        self.random_state = random_state

    def fit(self, X, y=None):
        """Learn the shapes of the images and draw the seed of random positions.

        Parameters
        ----------
        X : list of ndarray of shape (height, width), or ndarray of shape (n_images, height, width)
            Finite values. A list may mix shapes.
        y : ignored

        Returns
        -------
        PatchExtractor
            The fitted extractor itself.

        Raises
        ------
        ValueError
            If a parameter is out of range, X is not images (one image is given as ``[image]``), a value is
            not finite, an image is smaller than the patch, or `n_patches` exceeds the positions there are.
        """
        if self.n_patches is not None and not _is_count(self.n_patches):
            raise ValueError(f"`n_patches` must be an int >= 1, or None for all patches, got {self.n_patches!r}.")
        shapes = [image.shape for image in check_images(X)]
        n_patches = self._count_patches(self._grids(shapes))
        self.seed_ = int(as_generator(self.random_state).integers(2**63))
        self.n_patches_ = n_patches
        self.image_shapes_ = shapes
        self._stacked = not is_list(X)
        return self

    def transform(self, X):
        """Return the patches of the images, one a row.

        Parameters
        ----------
        X : list of ndarray of shape (height, width), or ndarray of shape (n_images, height, width)
            Any images, not only those given to `fit`.

        Returns
        -------
        ndarray of shape (n_patches, patch_height * patch_width)

        Raises
        ------
        ValueError
            As `fit`.
        """
        check_is_fitted(self)
        patches = self._cut(check_images(X))
        if self.center:
            patches -= patches.mean(axis=1, keepdims=True)
        return patches

    def patch_means(self, images):
        """Return the mean of each patch that `transform` cuts from the same images, in the same order.

        Parameters
        ----------
        images : list of ndarray of shape (height, width), or ndarray of shape (n_images, height, width)

        Returns
        -------
        ndarray of shape (n_patches,)

        Raises
        ------
        ValueError
            As `fit`.
        """
        check_is_fitted(self)
        return self._cut(check_images(images)).mean(axis=1)

    def inverse_transform(self, X, means=None):
        """Put dense patches back where they were cut, and average where they overlap.

        Parameters
        ----------
        X : ndarray of shape (n_patches, patch_height * patch_width)
            One row for each patch of the images given to `fit`, in the order of `transform`.
        means : ndarray of shape (n_patches,), default=None
            Added to the patches first: give ``patch_means(images)`` to undo ``center=True``.

        Returns
        -------
        list of ndarray, or ndarray of shape (n_images, height, width)
            Images of the shapes given to `fit`, as a list or an array as they were then. Equal to those
            images, up to rounding, when X and `means` are what was cut from them. Without `means`, centered
            patches give the average of centered patches, which is another image.

        Raises
        ------
        ValueError
            If the patches are random ones, X or `means` has the wrong shape, or the stride leaves pixels
            that no patch covers.
        """
        check_is_fitted(self)
        if self.n_patches is not None:
            raise ValueError(
                f"`inverse_transform` needs every patch, but n_patches={self.n_patches!r} takes random ones. "
                "Fit a PatchExtractor with n_patches=None."
            )
        patches = check_array(X, dtype=FLOATS, input_name="X")
        height, width = _pair(self.patch_size, "patch_size")
        expected = (self.n_patches_, height * width)
        if patches.shape != expected:
            raise ValueError(
                f"X must have shape {expected}, one row for each patch of the {len(self.image_shapes_)} image(s) "
                f"given to fit, got {patches.shape}. Fit the extractor on the images whose patches X holds."
            )
        if means is not None:
            means = check_array(means, dtype=FLOATS, ensure_2d=False, input_name="means")
            if means.shape != expected[:1]:
                raise ValueError(f"`means` must have shape {expected[:1]}, as from patch_means, got {means.shape}.")
            patches = patches + means[:, None].astype(patches.dtype, copy=False)
        images, start = [], 0
        for i, (shape, grid) in enumerate(zip(self.image_shapes_, self._grids(self.image_shapes_), strict=True)):
            stop = start + grid[0] * grid[1]
            images.append(self._overlap_add(patches[start:stop], grid, shape, i))
            start = stop
        return np.stack(images) if self._stacked else images

    @property
    def _n_features_out(self):
        height, width = _pair(self.patch_size, "patch_size")
        return height * width

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _grids(self, shapes):
        """Return for each image the number of positions down and across."""
        height, width = _pair(self.patch_size, "patch_size")
        down, across = _pair(self.stride, "stride")
        for i, (h, w) in enumerate(shapes):
            if h < height or w < width:
                raise ValueError(
                    f"X[{i}] has {h} x {w} pixels, smaller than the patch of {height} x {width}. "
                    "Lower `patch_size` or leave the image out."
                )
        return [((h - height) // down + 1, (w - width) // across + 1) for h, w in shapes]

    def _count_patches(self, grids):
        available = sum(ny * nx for ny, nx in grids)
        if self.n_patches is None:
            return available
        if self.n_patches > available:
            raise ValueError(
                f"`n_patches`={self.n_patches} is more than the {available} positions in these images. "
                "Lower it, lower `stride`, or give n_patches=None for all patches."
            )
        return int(self.n_patches)

    def _cut(self, images):
        """Copy the patches of validated images into the rows of a new array."""
        patch = _pair(self.patch_size, "patch_size")
        down, across = _pair(self.stride, "stride")
        grids = self._grids([image.shape for image in images])
        counts = [ny * nx for ny, nx in grids]
        n_rows = self._count_patches(grids)
        rows = np.empty((n_rows, *patch), np.result_type(*(image.dtype for image in images)))
        starts = np.concatenate(([0], np.cumsum(counts)))
        if self.n_patches is not None:
            chosen = np.random.default_rng(self.seed_).choice(starts[-1], n_rows, replace=False)
            order = np.argsort(chosen)
            bounds = np.searchsorted(chosen[order], starts)
        for i, (image, grid) in enumerate(zip(images, grids, strict=True)):
            windows = sliding_window_view(image, patch)[::down, ::across]
            if self.n_patches is None:
                rows[starts[i] : starts[i + 1]].reshape(*grid, *patch)[...] = windows
            else:
                here = order[bounds[i] : bounds[i + 1]]
                rows[here] = windows[np.unravel_index(chosen[here] - starts[i], grid)]
        return rows.reshape(n_rows, -1)

    def _overlap_add(self, patches, grid, shape, index):
        """Average the patches of one image where they overlap."""
        height, width = _pair(self.patch_size, "patch_size")
        (down, across), (ny, nx) = _pair(self.stride, "stride"), grid
        total = np.zeros(shape, patches.dtype)
        over_row, over_column = np.zeros(shape[0]), np.zeros(shape[1])
        rows = [slice(i, i + (ny - 1) * down + 1, down) for i in range(height)]
        columns = [slice(j, j + (nx - 1) * across + 1, across) for j in range(width)]
        for row in rows:
            over_row[row] += 1
        for column in columns:
            over_column[column] += 1
        covered = np.outer(over_row, over_column)
        if not covered.all():
            raise ValueError(
                f"`stride`={self.stride!r} leaves {np.count_nonzero(covered == 0)} pixels of image {index} "
                f"({shape[0]} x {shape[1]}) outside every patch of {height} x {width}: lower `stride` until it is at "
                "most `patch_size` and divides image size - patch size, or crop the images."
            )
        blocks = patches.reshape(ny, nx, height, width)
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                total[row, column] += blocks[:, :, i, j]
        return total / covered.astype(total.dtype)


def check_images(X):
    """Return images as a list of finite 2-D float arrays, or as the (n_images, height, width) array given."""
    if hasattr(X, "ndim") and not is_list(X):
        if X.ndim == 3 and X.shape[2] in (3, 4) and min(X.shape[:2]) > 4:
            raise ValueError(
                f"Expected images, got an array of shape {X.shape}, which looks like one image in colour. Turn it into "
                "luminance first, for example by skimage.color.rgb2gray, and pass it as `[image]`."
            )
        if X.ndim == 2:
            raise ValueError(
                f"Expected images, got a 2-D array of shape {X.shape}. Pass one image as `[image]`, and several of "
                "one shape as an array of shape (n_images, height, width)."
            )
        if X.ndim != 3:
            raise ValueError(
                f"Expected images as a list of 2-D arrays or an array of shape (n_images, height, width), got an "
                f"array of shape {X.shape}. Turn colour into luminance first, for example by skimage.color.rgb2gray."
            )
        images = check_array(X, dtype=FLOATS, allow_nd=True, input_name="X")
    else:
        if not is_list(X) or len(X) == 0:
            raise ValueError(
                f"Expected images as a list of 2-D arrays or an array of shape (n_images, height, width), got "
                f"{'an empty list' if is_list(X) else type(X).__name__}."
            )
        for i, image in enumerate(X):
            if np.ndim(image) != 2:
                raise ValueError(
                    f"X[{i}] has shape {np.shape(image)}, but an image is a 2-D array. Pass one image as `[image]`; "
                    "turn colour into luminance first, for example by skimage.color.rgb2gray."
                )
        # The least sizes are zero here because the next check names the image
        images = [
            check_array(image, dtype=FLOATS, ensure_min_samples=0, ensure_min_features=0, input_name=f"X[{i}]")
            for i, image in enumerate(X)
        ]
    for i, image in enumerate(images):
        if image.size == 0:
            raise ValueError(f"X[{i}] has no pixels: its shape is {image.shape}. Leave it out.")
    return images


def is_list(X):
    """Tell lists of images, also as an array of objects, from arrays of numbers (NumPy, xarray, ...)."""
    return isinstance(X, list | tuple) or (isinstance(X, np.ndarray) and X.dtype.kind == "O" and X.ndim == 1)


def _is_count(value):
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= 1


def _pair(value, name):
    pair = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(pair) != 2 or not all(_is_count(side) for side in pair):
        raise ValueError(f"`{name}` must be an int >= 1 or a pair (down, across) of them, got {value!r}.")
    return int(pair[0]), int(pair[1])
