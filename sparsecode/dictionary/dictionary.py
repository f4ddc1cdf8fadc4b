"""`Dictionary`: atoms and what is known about them, as one value that never changes."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping

import numpy as np
from scipy.sparse import csr_array, issparse

from ._display import describe, draw, html
from ._fields import as_atoms, as_attrs, as_coords, as_dims, as_shapes
from .algebra import Algebra, unit_rows
from .constructors import Constructors


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Dictionary(Algebra, Constructors):
    r"""Atoms with names, parameters and provenance; a value that never changes.

    The rows of the matrix D (`matrix`) are the atoms, so that codes W stand for ``W D`` (`decode`). Methods
    return new dictionaries. Wherever NumPy or an encoder asks for an array, a dictionary stands for its matrix:
    ``SparseCoder(dictionary=dictionary)``, ``np.asarray(dictionary)``.

    Parameters
    ----------
    atoms : array-like of shape (n_atoms, *atom_shape), or sparse array of shape (n_atoms, n_features)
        Finite real numbers, kept as float32 or float64 (anything else becomes float64) in memory that cannot be
        written; arrays that can be changed are copied. Sparse atoms are kept as a canonical `csr_array` with
        32-bit indices: sorted, without duplicates and zeros; these may also be bool, for binary dictionaries.
    shapes : array-like of int, shape (n_atoms, n_axes), or None, default=None
        True extents of atoms that are padded with zeros at the end of their axes (kernels of different sizes);
        None if all have the shape of the array.
    dims : tuple of str or None, default=None
        Names of the axes, the first "atom". None stands for ``("atom", "feature")``, ``("atom", "y", "x")`` or
        ``("atom", "channel", "y", "x")``, whatever the sizes. Encoders whose `input_shape` has three sides name
        their atoms ``("atom", "y", "x", "channel")``, as images are given.
    coords : mapping of str to array-like of shape (n_atoms,) or (n_atoms, n), default={}
        What is known about each atom: orientation, scale, name, ... Booleans, numbers or strings.
    attrs : mapping of str to bool, int, float or str, default={}
        What is known about the dictionary as a whole: where it comes from.

    Attributes
    ----------
    atoms, shapes, dims, coords, attrs
        As above, in the form in which they are kept.

    Raises
    ------
    TypeError
        For entries that are not real numbers, attributes that are not plain scalars, and the like.
    ValueError
        For atoms that are not finite, empty, or zero-padded otherwise than `shapes` says, and for names and
        lengths that do not fit.

    Notes
    -----
    Dictionaries are equal if they have the same content, bit for bit, and can be keys of a dict. `gram`, `norms`
    and `coherence` are computed when they are first asked for. Pickles hold the fields only; `save` and `load`
    do without pickle.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> gabors = Dictionary.gabor(
    ...     (8, 8), theta=np.linspace(0, np.pi, 6, endpoint=False), frequency=0.2, sigma_x=2, sigma_y=2
    ... )
    >>> gabors
    Dictionary(6 atoms of 8 x 8, float64, coords: x0, y0, theta, frequency, sigma_x, sigma_y, phase, amplitude)
    >>> gabors.matrix.shape, gabors.norms.round(1)
    ((6, 64), array([2.5, 2.5, 2.5, 2.5, 2.5, 2.5]))
    >>> gabors.select(gabors.coords["theta"] < 1).decode([1.0, 0.5]).shape
    (8, 8)
    """

    atoms: np.ndarray | csr_array
    _: dataclasses.KW_ONLY
    shapes: np.ndarray | None = None
    dims: tuple[str, ...] | None = None
    coords: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    attrs: Mapping[str, bool | int | float | str] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        keep = functools.partial(object.__setattr__, self)
        keep("atoms", as_atoms(self.atoms))
        keep("shapes", as_shapes(self.shapes, self.atoms))
        keep("dims", as_dims(self.dims, self.atoms))
        keep("coords", as_coords(self.coords, len(self), self.dims))
        keep("attrs", as_attrs(self.attrs))

    @property
    def atom_shape(self):
        """Shape of one atom, padding included."""
        return self.atoms.shape[1:]

    @property
    def n_features(self):
        """Number of entries of one atom."""
        return int(np.prod(self.atom_shape))

    @property
    def dtype(self):
        """Type of the entries: float32, float64, or bool for sparse binary atoms."""
        return self.atoms.dtype

    @property
    def matrix(self):
        """The atoms as rows: D of shape (n_atoms, n_features), an ndarray or, for sparse atoms, a csr_array."""
        return self.atoms if issparse(self.atoms) else self.atoms.reshape(len(self), -1)

    @functools.cached_property
    def gram(self):
        """``G = D D^T`` of shape (n_atoms, n_atoms), a csr_array for sparse atoms; O(n_atoms^2 n_features)."""
        matrix = self.matrix.astype(np.float64) if self.dtype == bool else self.matrix
        gram = matrix @ matrix.T
        for array in (gram.data, gram.indices, gram.indptr) if issparse(gram) else (gram,):
            array.flags.writeable = False
        return gram

    @functools.cached_property
    def norms(self):
        """Euclidean norms of the atoms, of shape (n_atoms,)."""
        norms = unit_rows(self.matrix)[1]
        norms.flags.writeable = False
        return norms

    @functools.cached_property
    def coherence(self):
        """Largest absolute cosine of two atoms, from 0 to 1; O(n_atoms^2 n_features).

        Atoms that are zero have no direction and are left out; with fewer than two others it is 0.
        """
        unit, norms = unit_rows(self.matrix)
        unit = unit[norms > 0]
        largest = 0.0
        for start in range(0, unit.shape[0], 256):
            cosines = abs(unit[start : start + 256] @ unit.T)
            cosines = cosines.toarray() if issparse(cosines) else cosines
            own = np.arange(len(cosines))
            cosines[own, start + own] = 0
            largest = max(largest, float(cosines.max()))
        return min(largest, 1.0)

    @functools.cached_property
    def content_hash(self):
        """SHA-256 of the content as a hexadecimal string; the same in every process and on every machine."""
        arrays = {f"coords.{name}": array for name, array in self.coords.items()}
        if self.shapes is not None:
            arrays["shapes"] = self.shapes
        if issparse(self.atoms):
            arrays |= {f"atoms.{part}": getattr(self.atoms, part) for part in ("data", "indices", "indptr")}
        else:
            arrays["atoms"] = self.atoms
        content = hashlib.sha256(json.dumps([self.dims, self.atoms.shape, dict(self.attrs)], sort_keys=True).encode())
        for name, array in sorted(arrays.items()):
            array = array.astype(array.dtype.newbyteorder("<"), copy=False)
            content.update(json.dumps([name, array.dtype.str, array.shape]).encode())
            content.update(array.reshape(-1).view(np.uint8))
        return content.hexdigest()

    def __len__(self):
        return self.atoms.shape[0]

    def __eq__(self, other):
        if not isinstance(other, Dictionary):
            return NotImplemented
        return self is other or self.content_hash == other.content_hash

    def __hash__(self):
        return hash(self.content_hash)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return _rebuild, (fields | {"coords": dict(self.coords), "attrs": dict(self.attrs)},)

    def __array__(self, dtype=None, copy=None):
        if not issparse(self.atoms):
            return np.array(self.matrix, dtype=dtype, copy=copy)
        if copy is False:
            raise ValueError("sparse atoms cannot become a dense array without a copy.")
        return self.atoms.toarray().astype(dtype or self.dtype, copy=False)

    def __repr__(self):
        return describe(self)

    def _repr_html_(self):
        return html(self)

    def plot(self, *, n_columns=None, ax=None):
        """Draw the atoms side by side, each in grey levels symmetric about zero.

        Atoms of one axis are drawn as rows of pixels; axes before the last two are stacked from top to bottom.

        Parameters
        ----------
        n_columns : int or None, default=None
            None gives a mosaic that is about square.
        ax : matplotlib Axes or None, default=None
            None makes a new figure.

        Returns
        -------
        matplotlib Axes

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> from sparsecode import Dictionary
        >>> ax = Dictionary.dct((4, 4)).plot(ax=Figure().subplots())
        >>> ax.images[0].get_array().shape
        (21, 21)
        """
        return draw(self, n_columns=n_columns, ax=ax)

    def to_xarray(self):
        """Return an `xarray.Dataset` from which `from_xarray` makes an equal dictionary.

        Returns
        -------
        xarray.Dataset
            Variable "atoms" (sparse atoms: "atoms_data", "atoms_indices", "atoms_indptr"), "shapes" if there are
            any, the coordinates along the dimension "atom", and the attributes.

        Examples
        --------
        >>> from sparsecode import Dictionary
        >>> data = Dictionary.dct((4, 4)).to_xarray()
        >>> data["atoms"].dims, float(data["frequency_x"].max())
        (('atom', 'y', 'x'), 0.375)
        """
        from .exchange import to_dataset

        return to_dataset(self)

    @classmethod
    def from_xarray(cls, data):
        """Return the dictionary of a Dataset of `to_xarray`, or of a DataArray with a dimension "atom".

        Parameters
        ----------
        data : xarray.Dataset or xarray.DataArray
            Coordinates along "atom" are kept. Those along other dimensions, and scalar ones, have no place in a
            dictionary and are dropped.

        Returns
        -------
        Dictionary

        Raises
        ------
        TypeError
            If `data` is neither.
        ValueError
            If there is no dimension "atom", or no variable that holds atoms.

        Examples
        --------
        >>> import numpy as np
        >>> import xarray as xr
        >>> from sparsecode import Dictionary
        >>> Dictionary.from_xarray(xr.DataArray(np.eye(3), dims=("atom", "time"), coords={"gain": ("atom", [1, 2, 3])}))
        Dictionary(3 atoms of 3, float64, coords: gain)
        """
        from .exchange import from_xarray

        return cls(**from_xarray(data))

    def save(self, path):
        """Save in one file, which `load` gives back bit for bit; see `sparsecode.save`.

        Parameters
        ----------
        path : str or path-like
            ``.npz`` is the usual ending; ``numpy.load(path)["atoms"]`` reads the atoms.

        Raises
        ------
        OSError
            If the file cannot be written; an old file is still there then.
        ValueError
            If names and strings take more than 1 MiB.

        Examples
        --------
        >>> import os, tempfile
        >>> from sparsecode import Dictionary
        >>> cosines = Dictionary.dct((4, 4))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     cosines.save(os.path.join(folder, "cosines.npz"))
        ...     Dictionary.load(os.path.join(folder, "cosines.npz")) == cosines
        True
        """
        from ..persistence import save

        save(self, path)

    @staticmethod
    def load(path):
        """Load a dictionary that `save` has written. No code is ever run from the file.

        Parameters
        ----------
        path : str or path-like

        Returns
        -------
        Dictionary

        Raises
        ------
        FormatError
            If the file is damaged, comes from elsewhere, or holds something else.
        OSError
            If the file cannot be read.

        See Also
        --------
        save : has an example.
        sparsecode.inspect_file : what is in a file.
        """
        from ..persistence import load

        return load(path, kind="dictionary")


def _rebuild(fields):
    return Dictionary(**fields)
