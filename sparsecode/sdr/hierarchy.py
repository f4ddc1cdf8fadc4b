"""`MacrocolumnHierarchy`: memories with receptive fields on a grid, level upon level."""

import time
from copy import copy

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from .._core.arrays import as_dense
from .._core.history import MemoryRecord, Recorded, as_rows, from_rows
from .._core.parallel import run_chunks
from .._core.rng import as_generator
from .._core.samples import as_shape
from .._core.storing import Storing
from .._core.validation import Integral, Interval, Real
from ..encoder import Capabilities, Encoder
from ._fields import Fields, columns, dense_codes, most_voted
from ._trace import as_winners, evidence
from .macrocolumn import MacrocolumnMemory

#: Rows of which all levels hold the codes at a time.
BLOCK_ROWS = 512

#: What macrocolumns within a hierarchy have no need of.
SIMPLE = {"binarize": None, "sparse_output": True, "n_jobs": None, "store_items": False}


class MacrocolumnHierarchy(Storing, Recorded, Encoder):
    r"""Encode images by memories that see a window each, and memories of their codes, in one pass.

    Macrocolumns (`MacrocolumnMemory`) lie on a grid; each sees a square window of the input. On the next level each
    sees a window of macrocolumns, whose units are its inputs, and so on. All store each row once, level by level; the
    code of a row is that of all macrocolumns of the last level. From it the winners of each level down to the input
    are recalled by votes of those above: a unit has one vote of each winner that has a weight from it. Pixels are those
    that half of the macrocolumns which see them recall.

    Parameters
    ----------
    windows : tuple of int, default=(3, 2)
        Side of the receptive fields of each level, in pixels on the first, in macrocolumns on others; at most that of
        the axis.
    strides : tuple of int or int, default=1
        Places between two fields, for each level, or for all. Fields at the border are pushed inwards.
    memories : MacrocolumnMemory, list of MacrocolumnMemory or None, default=None
        Macrocolumns of all levels, or one for each level; they are cloned. None is
        ``MacrocolumnMemory(10, 20, freeze_fraction="auto")``. `active_bounds` are of the inputs that each sees: a
        macrocolumn out of bounds has no code. Their ``binarize``, ``sparse_output``, ``store_items``, ``n_jobs`` and
        ``random_state`` are not used.
    input_shape : tuple of int or None, default=None
        Shape of an image, such as (8, 8). None is a row of pixels.
    binarize : float or None, default=None
        Threshold above which pixels are active. None takes zeros and ones only.
    sparse_output : bool, default=False
        Whether codes are a CSR array.
    n_jobs : int or None, default=None
        Threads, each with its own macrocolumns. Results do not depend on it, bit for bit.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the draws of all macrocolumns.

    Attributes
    ----------
    memories_ : list of list of MacrocolumnMemory
        Those of each level, in the order of `grids_`.
    grids_ : list of tuple
        How the macrocolumns of each level are laid out.
    fields_ : list of ndarray of shape (n_macrocolumns, n_places)
        Pixels, or macrocolumns of the level below, that each of a level sees.
    code_shape_ : tuple
        ``(n_macrocolumns, n_modules, n_units)`` of the last level.
    n_iter_ : int
        Calls that stored rows.
    history_ : structured ndarray of shape (n_iter_,)
        As of `MacrocolumnMemory`: objective, fill and stored are means over all macrocolumns.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, as many `strides` or `memories` as there are no levels, entries other than 0 and 1
        with ``binarize=None``, X that is empty or not finite.

    Warns
    -----
    UserWarning
        When a macrocolumn without freezing finds all rows familiar.

    Notes
    -----
    The first call of `partial_fit`, or `fit`, fixes windows, strides, memories and `random_state`.

    A row takes O(n Q K) for each macrocolumn. Each level learns from the codes that the level below gave the rows as
    it stored them, or recalled if its units were frozen. Codes do not persist, and images are no moments of time: for
    sequences there is `SequenceHierarchy`.

    Windows help to tell images apart, levels do not. Share right of naive Bayes and of logistic regression on codes,
    means of three draws of 1000 of scikit-learn's digits (pixels above 7; 797 others to test): one macrocolumn that
    sees all (70 modules of 20 units) 0.86 and 0.90, one level of windows of 3 x 3 0.89 and 0.94, levels of 3 and 2
    0.88 and 0.93, of 3 and 3 0.84 and 0.91, of 3, 2 and 2 0.83 and 0.89; pixels 0.88 and 0.92. Of 2000 images of
    Fashion-MNIST (above 127; 2000 to test): one macrocolumn 0.63 and 0.73, windows of 7 every 3 pixels 0.65 and 0.76,
    a second level 0.64 and 0.71; pixels 0.63 and 0.75. Recall from the top is of what is typical, once units freeze:
    the explained variance of digits is 0.32 for one macrocolumn, 0.09 for one level and -0.5 for two.

    References
    ----------
    G. J. Rinkus, "Sparsey: event recognition via deep hierarchical sparse distributed codes", Front. Comput. Neurosci.
    8:160 (2014).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sparsecode.sdr import MacrocolumnHierarchy
    >>> images = load_digits().images[:200]
    >>> hierarchy = MacrocolumnHierarchy(input_shape=(8, 8), binarize=7, random_state=0).fit(images)
    >>> hierarchy.grids_, hierarchy.code_shape_
    ([(6, 6), (5, 5)], (25, 10, 20))
    >>> recalled = hierarchy.inverse_transform(hierarchy.transform(images))
    >>> bool((recalled == (images > 7).reshape(200, -1)).mean() > 0.8)
    True
    """

    _record_class, _memory_class = MemoryRecord, MacrocolumnMemory

    _parameter_constraints = {  # noqa: RUF012
        "windows": [tuple, list],
        "strides": [tuple, list, Integral],
        "memories": [MacrocolumnMemory, tuple, list, None],
        "input_shape": [tuple, list, Integral, None],
        "binarize": [Interval(Real, None, None, closed="neither"), None],
        "sparse_output": ["boolean"],
        "n_jobs": [Interval(Integral, None, -1, closed="right"), Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        windows=(3, 2),
        *,
        strides=1,
        memories=None,
        input_shape=None,
        binarize=None,
        sparse_output=False,
        n_jobs=None,
        random_state=None,
    ):
        self.windows = windows
        self.strides = strides
        self.memories = memories
        self.input_shape = input_shape
        self.binarize = binarize
        self.sparse_output = sparse_output
        self.n_jobs = n_jobs
        self.random_state = random_state

    def capabilities(self):
        """Return what codes are: binary."""
        return Capabilities("binary", invertible=True, stateful=False, online=True, signed=False)

    def transform(self, X):
        """Return the codes that the rows of X recall on the last level.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features) or (n_samples, *input_shape)

        Returns
        -------
        ndarray or CSR array of shape (n_samples, n_macrocolumns * n_modules * n_units), bool
            Macrocolumns whose inputs are empty, or out of their bounds, have an empty code.
        """
        check_is_fitted(self)
        self._validate_params()
        X = self._check_binary_input(X, reset=False)
        codes = np.empty((X.shape[0], self._n_features_out), bool)
        for start in range(0, X.shape[0], BLOCK_ROWS):
            inputs = as_dense(X[start : start + BLOCK_ROWS])
            for level in range(len(self.memories_)):
                inputs = self._encode(level, inputs)
            codes[start : start + BLOCK_ROWS] = inputs
        return csr_array(codes) if self.sparse_output else codes

    def inverse_transform(self, X):
        """Return the inputs that codes of the last level stand for, recalled level by level.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_macrocolumns * n_modules * n_units)

        Returns
        -------
        ndarray of shape (n_samples, n_features), bool
            Pixels that at least half of the macrocolumns recall, of those that see them and have a code.

        Raises
        ------
        ValueError
            If a row is no code of this hierarchy.
        """
        codes = as_dense(self._check_codes(X))
        n_macs, Q, K = self.code_shape_
        winners = np.stack(
            [as_winners(codes[:, start : start + Q * K], Q, K) for start in range(0, n_macs * Q * K, Q * K)], axis=1
        )
        return self._recall_down(winners)

    def _recall_down(self, winners):
        """Return the pixels that codes of the last level lead to, (n, n_macrocolumns, Q)."""
        for level in range(len(self.memories_) - 1, 0, -1):
            winners = self._winners_below(level, winners)
        return self._pixels(winners)

    def _pixels(self, winners):
        """Return the pixels that codes of the first level stand for, (n, n_macrocolumns, Q)."""
        votes, voters = (np.zeros((len(winners), self.n_features_in_), np.int32) for _ in range(2))
        for m, (memory, places) in enumerate(zip(self.memories_[0], self._fields[0].places, strict=True)):
            votes[:, places] += memory._complete(np.ascontiguousarray(winners[:, m]))
            voters[:, places] += winners[:, m, :1] >= 0
        return 2 * votes >= np.maximum(voters, 1)

    @property
    def code_shape_(self):
        """Macrocolumns of the last level, modules, and units of a module."""
        check_is_fitted(self)
        return len(self.memories_[-1]), *self.memories_[-1][0].code_shape_

    @property
    def code_dims_(self):
        """Names of the axes of `code_shape_`."""
        check_is_fitted(self)
        return "macrocolumn", "module", "unit"

    @property
    def grids_(self):
        """How the macrocolumns of each level are laid out."""
        check_is_fitted(self)
        return [fields.grid for fields in self._fields]

    @property
    def fields_(self):
        """What each macrocolumn of a level sees."""
        check_is_fitted(self)
        return [fields.places.copy() for fields in self._fields]

    def _start(self, n_features):
        """Lay out empty macrocolumns."""
        generator = as_generator(self.random_state)
        shape = (n_features,) if self.input_shape is None else as_shape(self.input_shape)
        self._fields, self.memories_, self._records = [], [], []
        for window, stride, template in self._levels():
            self._fields.append(Fields.of(shape, window, stride))
            shape = self._fields[-1].grid
            memories = [clone(template) for _ in self._fields[-1].places]
            for memory, seed in zip(memories, generator.integers(0, 2**31, size=len(memories)), strict=True):
                memory.set_params(**SIMPLE, random_state=int(seed))
            self.memories_.append(memories)

    def _levels(self):
        """Return window, stride and memory of each level, checked."""
        n, kind = len(self.windows), self._memory_class
        strides = [self.strides] * n if isinstance(self.strides, Integral) else list(self.strides)
        template = kind(10, 20, freeze_fraction="auto") if self.memories is None else self.memories
        memories = [template] * n if isinstance(template, kind) else list(template)
        for name, values in (("windows", list(self.windows)), ("strides", strides)):
            if not values or len(values) != n or not all(isinstance(v, Integral) and v >= 1 for v in values):
                raise ValueError(
                    f"`{name}` must be integers >= 1, one for each level of `windows`, got {values!r:.60}."
                )
        if len(memories) != n or not all(isinstance(memory, kind) for memory in memories):
            raise ValueError(
                f"`memories` must be a {kind.__name__}, or a list of {n}, one for each level of `windows`."
            )
        for memory in memories:
            memory._validate_params()
        return zip(map(int, self.windows), map(int, strides), memories, strict=True)

    def _store(self, X):
        """Store checked rows on all levels."""
        started, stored = time.perf_counter(), self._stored() if self._records else 0
        levels = [list(map(copy, memories)) for memories in self.memories_]  # they learn into new arrays
        first, found = not self._records, []
        for start in range(0, X.shape[0], BLOCK_ROWS):
            inputs = as_dense(X[start : start + BLOCK_ROWS])
            for level, memories in enumerate(levels):
                inputs = self._encode(level, inputs, store_in=memories, first=first)
            first = False
            block = [memory._records[-1] for memories in levels for memory in memories]
            means = [(record.objective, record.sparsity, record.fill) for record in block]
            found.append((len(inputs), *np.mean(means, axis=0)))
        n_rows, *found = np.array(found).T
        objective, sparsity, _ = (np.average(values, weights=n_rows) for values in found)
        self.memories_ = levels
        record = MemoryRecord(
            epoch=len(self._records),
            objective=float(objective),
            sparsity=float(sparsity),
            stored=self._stored() - stored,
            fill=float(found[-1][-1]),
            seconds=time.perf_counter() - started,
        )
        self._records = [*self._records, record]

    def _stored(self):
        """Return how many rows macrocolumns have stored, in the mean."""
        return int(np.mean([memory.n_stored_ for memories in self.memories_ for memory in memories]))

    def _encode(self, level, inputs, *, store_in=None, first=False):
        """Return the codes of all macrocolumns of a level for rows of its inputs, which are stored before if asked."""
        memories, places = self.memories_[level] if store_in is None else store_in, self._fields[level].places
        width, found = inputs.shape[1] // (places.max() + 1), [None] * len(places)

        def run(start, end, stop):
            for m in range(start, end):
                rows = inputs[:, columns(places[m], width)]
                if store_in is None:
                    winners = memories[m]._recall(rows)[0]
                else:
                    winners = memories[m]._fit_rows(rows, first=first, for_recall=False)
                found[m] = dense_codes(winners, memories[m].code_shape_[1])

        run_chunks(run, len(places), n_jobs=self.n_jobs, chunk_rows=1)
        return np.concatenate(found, axis=1)

    def _winners_below(self, level, winners):
        """Return the winners of the level below, (n, n_macrocolumns, Q), for which those of a level have weights."""
        below, places = self.memories_[level - 1], self._fields[level].places
        n_modules, n_units = below[0].code_shape_
        votes = np.zeros((len(winners), len(below), n_modules * n_units), np.int32)
        for m, memory in enumerate(self.memories_[level]):
            code = np.ascontiguousarray(winners[:, m])
            sums = evidence(memory._trace, code, memory.code_shape_[1], self.n_jobs)
            votes[:, places[m]] += sums.reshape(len(code), len(places[m]), -1)
        return most_voted(votes, n_modules, n_units)

    def _check_rows(self, X, *, reset):
        return self._check_binary_input(X, reset=reset)

    def _check_input(self, X, *, reset):
        """Return the zeros and ones that codes stand for, as numbers: `score` compares with them."""
        return as_dense(self._check_rows(X, reset=reset)).astype(np.float64)

    def _get_fitted_state(self):
        states = [[memory._get_fitted_state() for memory in memories] for memories in self.memories_]
        scalars = {
            "memories": [[clone(memory) for memory in memories] for memories in self.memories_],
            "states": [[scalars for scalars, _ in level] for level in states],
            "grids": self.grids_,
        }
        arrays = {f"level{level}_places": fields.places for level, fields in enumerate(self._fields)}
        for level, parts in enumerate(states):
            for name in parts[0][1]:
                arrays[f"level{level}_{name}"] = np.stack([part[name] for _, part in parts])
        return scalars, arrays | {"records": as_rows(self._records)}

    def _set_fitted_state(self, scalars, arrays):
        arrays = dict(arrays)
        self._records = from_rows(arrays.pop("records"), MemoryRecord)
        self.memories_, self._fields = scalars["memories"], []
        for level, (memories, states) in enumerate(zip(self.memories_, scalars["states"], strict=True)):
            stacks = {name: arrays.pop(name) for name in list(arrays) if name.startswith(f"level{level}_")}
            stacks = {name.partition("_")[2]: stack for name, stack in stacks.items()}
            self._fields.append(Fields(stacks.pop("places"), scalars["grids"][level]))
            for m, (memory, state) in enumerate(zip(memories, states, strict=True)):
                memory.n_features_in_ = stacks["weights"].shape[1]
                memory._set_fitted_state(state, {name: stack[m] for name, stack in stacks.items()})
        if arrays or [len(fields.places) for fields in self._fields] != [len(memories) for memories in self.memories_]:
            raise ValueError("the macrocolumns and their fields do not go together.")
