"""What can be made from dictionaries: others by choosing, joining and scaling atoms, and signals by decoding."""

import dataclasses

import numpy as np
from scipy.sparse import csr_array, issparse, vstack


class Algebra:
    """The methods of `Dictionary` that return new values."""

    def normalized(self, norm="l2"):
        """Return the dictionary with atoms of norm 1; atoms that are zero stay zero.

        Parameters
        ----------
        norm : {"l2", "max"}, default="l2"
            Euclidean norm, or largest absolute entry.

        Returns
        -------
        Dictionary
            bool becomes float64, other types stay.

        Raises
        ------
        ValueError
            If `norm` is something else.

        Examples
        --------
        >>> from sparsecode import Dictionary
        >>> Dictionary([[3.0, 4.0], [0.0, 0.0]]).normalized().atoms
        array([[0.6, 0.8],
               [0. , 0. ]])
        """
        if norm not in ("l2", "max"):
            raise ValueError(f"`norm` must be 'l2' or 'max', got {norm!r:.60}.")
        unit = unit_rows(self.matrix, norm)[0]
        return dataclasses.replace(self, atoms=unit if issparse(unit) else unit.reshape(self.atoms.shape))

    def sorted(self, by):
        """Return the dictionary with its atoms in ascending order; equal ones keep their order, NaN comes last.

        Parameters
        ----------
        by : str or array-like of shape (n_atoms,)
            Name of a coordinate, or values to sort by.

        Returns
        -------
        Dictionary

        Raises
        ------
        ValueError
            If there is no such coordinate, or there is not one value for each atom.

        Examples
        --------
        >>> from sparsecode import Dictionary
        >>> dictionary = Dictionary([[1, 0], [0, 3], [2, 2]], coords={"scale": [3, 1, 2]})
        >>> dictionary.sorted("scale").atoms[:, 1], dictionary.sorted(-dictionary.norms).coords["scale"]
        (array([3., 2., 0.]), array([1, 2, 3]))
        """
        if isinstance(by, str):
            if by not in self.coords:
                known = ", ".join(map(repr, self.coords)) or "none"
                raise ValueError(f"there is no coordinate {by!r} to sort by; the coordinates are: {known}.")
            by = self.coords[by]
        keys = np.asarray(by)
        if keys.shape != (len(self),):
            raise ValueError(f"`by` must give one value for each of the {len(self)} atoms, got shape {keys.shape}.")
        return self._take(np.argsort(keys, kind="stable"))

    def select(self, index):
        """Return the dictionary of some atoms, in the order of `index`.

        Parameters
        ----------
        index : int, slice, or array-like of int or bool
            As for the first axis of an array; an int gives a dictionary of one atom.

        Returns
        -------
        Dictionary

        Raises
        ------
        IndexError
            If an atom does not exist, or a mask has another length.
        ValueError
            If no atom is left.

        Examples
        --------
        >>> from sparsecode import Dictionary
        >>> dictionary = Dictionary([[1, 0], [0, 3], [2, 2]])
        >>> dictionary.select(dictionary.norms > 2).atoms
        array([[0., 3.],
               [2., 2.]])
        """
        rows = np.arange(len(self))[index if isinstance(index, slice) else np.asarray(index)]
        if rows.ndim > 1:
            raise IndexError(f"`index` must have one axis, got {rows.ndim}.")
        if not rows.size:
            raise ValueError("`index` selects no atom; a dictionary has at least one.")
        return self._take(np.atleast_1d(rows))

    def concat(self, *others):
        """Return the dictionary of all atoms of this one, then of the others.

        Kernels of different sizes are padded with zeros at the end of their axes, and `shapes` has their extents. Only
        axes of a signal can be padded: those called "feature" and "channel" must have the same length.

        Parameters
        ----------
        *others : Dictionary
            With the same axes, all dense or all sparse.

        Returns
        -------
        Dictionary
            With the coordinates that all of them have and the attributes on which all agree. Types are
            promoted as NumPy does.

        Raises
        ------
        TypeError
            If one of them is not a Dictionary.
        ValueError
            If atoms do not fit together, or a coordinate holds strings here and numbers there.

        Examples
        --------
        >>> from sparsecode import Dictionary
        >>> cosines, pixels = Dictionary.dct(4), Dictionary.from_array([[1, 0, 0, 0], [0, 1, 0, 0]])
        >>> cosines.concat(pixels)
        Dictionary(6 atoms of 4, float64)
        >>> Dictionary.dct((2, 2)).concat(Dictionary.dct((3, 3)))
        Dictionary(13 atoms of 3 x 3, float64, own shapes, coords: frequency_y, frequency_x)
        """
        for other in others:
            if not isinstance(other, Algebra):
                raise TypeError(
                    f"only dictionaries can be joined, got {type(other).__name__}; see Dictionary.from_array."
                )
            if not _can_join(self, other):
                raise ValueError(
                    f"atoms of {self!r} and {other!r} differ in shape, axes or sparsity. Dense kernels of different "
                    "sizes can be joined along axes with the same names other than 'feature' and 'channel': "
                    f"theirs are {self.dims[1:]} and {other.dims[1:]}."
                )
        every = (self, *others)
        largest = tuple(int(side) for side in np.max([dictionary.atom_shape for dictionary in every], axis=0))
        atoms = [_fitted(dictionary.atoms, largest) for dictionary in every]
        shapes = None
        if any(dictionary.shapes is not None or dictionary.atom_shape != largest for dictionary in every):
            shapes = np.concatenate([_full_shapes(dictionary) for dictionary in every])
        names = [name for name in self.coords if all(name in other.coords for other in others)]
        return dataclasses.replace(
            self,
            atoms=vstack(atoms, format="csr") if issparse(self.atoms) else np.concatenate(atoms),
            shapes=shapes,
            coords={name: _join(name, [dictionary.coords[name] for dictionary in every]) for name in names},
            attrs={
                name: value
                for name, value in self.attrs.items()
                if all(name in other.attrs and repr(other.attrs[name]) == repr(value) for other in others)
            },
        )

    def to_list(self):
        """Return the atoms as a list of arrays of their true extents, without padding.

        Returns
        -------
        list of ndarray
            Read-only views. `from_array` makes a dictionary of them again.

        Raises
        ------
        ValueError
            If atoms are sparse.

        Examples
        --------
        >>> import numpy as np
        >>> from sparsecode import Dictionary
        >>> bank = Dictionary.from_array([np.ones((2, 2)), np.ones((4, 3))])
        >>> [kernel.shape for kernel in bank.to_list()]
        [(2, 2), (4, 3)]
        """
        self._check_dense("to_list")
        extents = _full_shapes(self)
        return [atom[tuple(map(slice, extent))] for atom, extent in zip(self.atoms, extents, strict=True)]

    def cropped(self):
        """Return the dictionary padded no more than its largest atoms need, for instance after `select`.

        Returns
        -------
        Dictionary
            `shapes` is None if no atom is padded any more. Without `shapes` it is the dictionary itself: zeros that
            belong to atoms stay.

        Raises
        ------
        ValueError
            If atoms are sparse.

        Examples
        --------
        >>> import numpy as np
        >>> from sparsecode import Dictionary
        >>> bank = Dictionary.from_array([np.ones((2, 2)), np.ones((4, 3))])
        >>> bank.select(0).cropped()
        Dictionary(1 atom of 2 x 2, float64)
        """
        self._check_dense("cropped")
        if self.shapes is None:
            return self
        largest = tuple(int(side) for side in self.shapes.max(axis=0))
        shapes = None if (self.shapes == largest).all() else self.shapes
        return dataclasses.replace(self, atoms=_fitted(self.atoms, largest), shapes=shapes)

    def astype(self, dtype):
        """Return the dictionary with entries of another type.

        Parameters
        ----------
        dtype : {"float32", "float64", "bool"} or dtype
            bool is for sparse atoms whose entries are all 1.

        Returns
        -------
        Dictionary

        Raises
        ------
        ValueError
            If `dtype` is another type or cannot hold the atoms.

        Examples
        --------
        >>> from sparsecode import Dictionary
        >>> Dictionary.dct(4).astype("float32").matrix.dtype
        dtype('float32')
        """
        dtype = np.dtype(dtype)
        if dtype not in (np.float32, np.float64, bool):
            raise ValueError(f"`dtype` must be float32, float64 or (for sparse atoms) bool, got {dtype}.")
        if dtype.kind == "b" and not (issparse(self.atoms) and (self.atoms.data == 1).all()):
            raise ValueError("only sparse atoms whose entries are all 1 can be bool; see `scipy.sparse.csr_array`.")
        with np.errstate(over="ignore"):  # infinity is refused, with the number of atoms
            return dataclasses.replace(self, atoms=self.atoms.astype(dtype))

    def decode(self, codes):
        """Return what codes stand for: the linear map ``W D``, in the shape of atoms.

        Parameters
        ----------
        codes : array-like of shape (..., n_atoms), or sparse array of shape (n_samples, n_atoms)
            Finite real numbers.

        Returns
        -------
        ndarray of shape (..., *atom_shape)
            float32 if codes and atoms are float32 (or one of them is, and the other bool), else float64. For flat
            rows use ``codes @ dictionary.matrix``.

        Raises
        ------
        TypeError
            If codes are not real numbers.
        ValueError
            If codes have another length than the dictionary, or are not finite.

        Notes
        -----
        O(n_samples n_atoms n_features). For kernels of a convolutional code or templates of a memory this is one
        step of reconstruction only: see the encoder's `inverse_transform`.

        Examples
        --------
        >>> from sparsecode import Dictionary
        >>> Dictionary([[1, 0, 0], [0, 1, 1]]).decode([[2, 3]])
        array([[2., 3., 3.]])
        """
        codes = codes if issparse(codes) else np.asarray(codes)
        if codes.dtype.kind not in "biuf":
            raise TypeError(f"`codes` must hold real numbers, got dtype {codes.dtype}.")
        if not codes.ndim or codes.shape[-1] != len(self) or (issparse(codes) and codes.ndim != 2):
            raise ValueError(
                f"`codes` must have shape (..., {len(self)}), one coefficient for each atom, got shape {codes.shape}."
            )
        if not np.isfinite(codes.tocsr().data if issparse(codes) else codes).all():
            raise ValueError("`codes` must be finite, but they hold NaN or infinity.")
        dtype = np.float32 if {codes.dtype, self.dtype} - {np.dtype(bool)} == {np.dtype(np.float32)} else np.float64
        rows = (codes if issparse(codes) else codes.reshape(-1, len(self))).astype(dtype, copy=False)
        decoded = rows @ self.matrix.astype(dtype, copy=False)
        decoded = decoded.toarray() if issparse(decoded) else decoded
        return decoded.reshape(*codes.shape[:-1], *self.atom_shape)

    def _check_dense(self, method):
        if issparse(self.atoms):
            raise ValueError(f"`{method}` is for dense atoms, which have extents; sparse ones are rows of features.")

    def _take(self, rows):
        return dataclasses.replace(
            self,
            atoms=self.atoms[rows],
            shapes=None if self.shapes is None else self.shapes[rows],
            coords={name: array[rows] for name, array in self.coords.items()},
        )


def unit_rows(matrix, norm="l2"):
    """Return the rows scaled to norm 1, Euclidean or "max" (zero rows stay zero), and their norms."""
    dtype = np.float64 if matrix.dtype == bool else matrix.dtype
    if not issparse(matrix):
        peak = np.abs(matrix).max(axis=1)
        unit = matrix / np.where(peak > 0, peak, 1)[:, None]  # or squares of tiny and huge rows would vanish
        norm = np.linalg.norm(unit, axis=1) if norm == "l2" else (peak > 0).astype(dtype)
        unit /= np.where(norm > 0, norm, 1)[:, None]
    else:
        n_atoms = matrix.shape[0]
        row = np.repeat(np.arange(n_atoms), np.diff(matrix.indptr))
        peak = np.zeros(n_atoms, dtype)
        np.maximum.at(peak, row, np.abs(matrix.data.astype(dtype)))
        data = matrix.data / peak[row]
        norm = np.sqrt(np.bincount(row, np.square(data), minlength=n_atoms)) if norm == "l2" else np.ones(n_atoms)
        norm = norm.astype(dtype)
        unit = csr_array((data / norm[row], matrix.indices, matrix.indptr), shape=matrix.shape)
    with np.errstate(over="ignore"):
        return unit, peak * norm


def _can_join(one, other):
    if issparse(one.atoms) != issparse(other.atoms) or one.dims != other.dims:
        return False
    sides = zip(one.dims[1:], one.atom_shape, other.atom_shape, strict=True)
    fixed = ("feature", "channel", *(one.dims if issparse(one.atoms) else ()))
    return all(a == b or name not in fixed for name, a, b in sides)


def _fitted(atoms, shape):
    """Return the atoms with zeros added or taken away at the end of their axes."""
    if atoms.shape[1:] == shape:
        return atoms
    fitted = np.zeros((len(atoms), *shape), atoms.dtype)
    common = (slice(None), *(slice(min(a, b)) for a, b in zip(atoms.shape[1:], shape, strict=True)))
    fitted[common] = atoms[common]
    return fitted


def _full_shapes(dictionary):
    if dictionary.shapes is not None:
        return dictionary.shapes
    return np.tile(np.array(dictionary.atom_shape, dtype=np.int64), (len(dictionary), 1))


def _join(name, arrays):
    if len({array.dtype.kind == "U" for array in arrays}) > 1:
        raise ValueError(f"coordinate {name!r} holds strings in one dictionary and numbers in another.")
    if len({array.shape[1:] for array in arrays}) > 1:
        raise ValueError(f"coordinate {name!r} has rows of different lengths: {[array.shape for array in arrays]}.")
    return np.concatenate(arrays)
