"""Ways to make a dictionary: from arrays and samples, at random, from cosines and, in `banks`, other formulas."""

import functools

import numpy as np
from scipy.sparse import issparse

from . import formulas
from ._fields import as_atoms, as_dims
from .banks import Banks


class Constructors(Banks):
    """The class methods of `Dictionary` that make one."""

    @classmethod
    def from_array(cls, atoms, *, shape=None, dims=None, coords=None, attrs=None):
        """Return a dictionary of given atoms: rows of a matrix, or kernels of different sizes.

        Parameters
        ----------
        atoms : array-like of shape (n_atoms, n_features) or (n_atoms, *shape), or list of arrays
            A list of arrays that differ in shape is padded with zeros at the end of each axis; the true extents
            become `shapes`.
        shape : int or tuple of int, or None, default=None
            Shape of an atom, where rows are given; None leaves atoms as they are.
        dims, coords, attrs
            As for `Dictionary`.

        Returns
        -------
        Dictionary

        Raises
        ------
        ValueError
            If atoms do not have as many entries as `shape`, or a list of arrays differs in the number of axes.

        Examples
        --------
        >>> import numpy as np
        >>> from sparsecode import Dictionary
        >>> Dictionary.from_array(np.eye(6), shape=(2, 3))
        Dictionary(6 atoms of 2 x 3, float64)
        >>> Dictionary.from_array([np.ones((2, 2)), np.ones((4, 3))]).shapes.tolist()
        [[2, 2], [4, 3]]
        """
        shapes = None
        if isinstance(atoms, list | tuple) and len({np.shape(atom) for atom in atoms}) > 1:
            atoms, shapes = _padded(atoms)
        if shape is not None:
            atoms = _reshaped(atoms, shape)
        return cls(atoms, shapes=shapes, dims=dims, coords=coords or {}, attrs=attrs or {})

    @classmethod
    def random(cls, n_atoms, shape, *, random_state=None):
        """Return atoms of unit norm in directions that are distributed uniformly.

        Parameters
        ----------
        n_atoms : int
        shape : int or tuple of int
            Shape of an atom.
        random_state : int, RandomState, Generator or None, default=None

        Returns
        -------
        Dictionary

        Examples
        --------
        >>> from sparsecode import Dictionary
        >>> Dictionary.random(3, (4, 4), random_state=0).norms.round(6)
        array([1., 1., 1.])
        """
        from .._core.rng import as_generator

        sides = formulas.check_shape(shape)
        (n_atoms,) = formulas.check_shape(n_atoms, n_axes=1, name="n_atoms")
        return cls(as_generator(random_state).standard_normal((n_atoms, *sides))).normalized()

    @classmethod
    def from_samples(cls, X, n_atoms, *, shape=None, random_state=None):
        """Return random rows of X as they are, all different and none of them zero.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), or sparse array of shape (n_samples, n_features)
        n_atoms : int
        shape : int or tuple of int, or None, default=None
            Shape of an atom, where X has rows; None leaves samples as they are.
        random_state : int, RandomState, Generator or None, default=None

        Returns
        -------
        Dictionary
            Its coordinate "sample" is the row of X.

        Raises
        ------
        ValueError
            If X has fewer than `n_atoms` different rows that are not zero.

        Examples
        --------
        >>> import numpy as np
        >>> from sparsecode import Dictionary
        >>> X = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
        >>> Dictionary.from_samples(X, 2, random_state=0).sorted("sample").atoms
        array([[1., 0.],
               [0., 2.]])
        """
        from .._core.rng import as_generator

        (n_atoms,) = formulas.check_shape(n_atoms, n_axes=1, name="n_atoms")
        X = as_atoms(X) if issparse(X) else np.asarray(X)
        seen, rows = {}, as_generator(random_state).permutation(X.shape[0] if X.ndim else 0)
        for row in rows:
            content = _content(X, row)
            if content is not None:
                seen.setdefault(content, row)
            if len(seen) == n_atoms:
                break
        else:
            raise ValueError(
                f"X has {len(seen)} different rows that are not zero, but n_atoms={n_atoms} are asked for."
            )
        rows = np.array(list(seen.values()))
        return cls.from_array(X[rows], shape=shape, coords={"sample": rows})

    @classmethod
    def dct(cls, shape, n_frequencies=None):
        r"""Return products of cosines: the orthonormal DCT, or an overcomplete one.

        Along an axis of p pixels with m frequencies, ``c_k(i) ~ cos(pi k (i + 1/2) / m)`` for k = 0 ... m - 1,
        less its mean for k > 0 and scaled to norm 1; atoms are products of one cosine for each axis.

        Parameters
        ----------
        shape : int or tuple of int
            Shape of an atom.
        n_frequencies : int, tuple of int or None, default=None
            Frequencies along every axis, or along each: at least as many as pixels. None is as many: an
            orthonormal basis.

        Returns
        -------
        Dictionary
            With coordinates "frequency_y", "frequency_x" (named after the axes) in cycles per pixel.

        Raises
        ------
        ValueError
            If there are fewer frequencies than pixels.

        References
        ----------
        M. Elad and M. Aharon, "Image denoising via sparse and redundant representations over learned
        dictionaries", IEEE Trans. Image Process. 15, 3736-3745 (2006).

        Examples
        --------
        >>> from sparsecode import Dictionary
        >>> Dictionary.dct((8, 8)).coherence < 1e-12
        True
        >>> Dictionary.dct((8, 8), 11)
        Dictionary(121 atoms of 8 x 8, float64, coords: frequency_y, frequency_x)
        """
        sides = formulas.check_shape(shape)
        counts = sides if n_frequencies is None else formulas.check_shape(n_frequencies, name="n_frequencies")
        counts = counts * len(sides) if len(counts) == 1 else counts
        if len(counts) != len(sides) or any(count < side for count, side in zip(counts, sides, strict=True)):
            raise ValueError(
                f"`n_frequencies` must be at least `shape` {sides} along each axis, got {n_frequencies!r}."
            )
        bases = [formulas.cosine_basis(side, count) for side, count in zip(sides, counts, strict=True)]
        atoms = functools.reduce(np.kron, bases).reshape(-1, *sides)
        frequencies = np.meshgrid(*[np.arange(count) / (2 * count) for count in counts], indexing="ij")
        names = as_dims(None, atoms)[1:]
        return cls(atoms, coords={f"frequency_{name}": f.ravel() for name, f in zip(names, frequencies, strict=True)})


def _padded(kernels):
    """Return the kernels in one array, padded with zeros, and their true extents."""
    kernels = [np.asarray(kernel) for kernel in kernels]
    if len({kernel.ndim for kernel in kernels}) > 1:
        raise ValueError(f"all atoms must have the same number of axes, got {sorted({k.ndim for k in kernels})}.")
    shapes = np.array([kernel.shape for kernel in kernels])
    atoms = np.zeros((len(kernels), *shapes.max(axis=0)), np.result_type(*kernels))
    for atom, kernel in zip(atoms, kernels, strict=True):
        atom[tuple(slice(side) for side in kernel.shape)] = kernel
    return atoms, shapes


def _reshaped(atoms, shape):
    sides = formulas.check_shape(shape)
    if issparse(atoms):
        raise ValueError("`shape` is for dense atoms; sparse ones have one axis of features.")
    atoms = np.asarray(atoms)
    if atoms.ndim < 2 or np.prod(atoms.shape[1:]) != np.prod(sides):
        raise ValueError(
            f"atoms of shape {atoms.shape[1:]} cannot take the `shape` {sides}: the number of entries differs."
        )
    return atoms.reshape(len(atoms), *sides)


def _content(X, row):
    """Return what makes a row different from others, None for a row of zeros."""
    if issparse(X):
        entries = slice(X.indptr[row], X.indptr[row + 1])
        return X.indices[entries].tobytes() + X.data[entries].tobytes() or None
    values = X[row] + 0.0  # no negative zeros
    return values.tobytes() if values.any() else None
