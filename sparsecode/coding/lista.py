"""`LISTA`: a feed-forward encoder whose layers are trained iterations of ISTA."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._core.history import LayerRecord, as_history, as_rows, from_rows
from .._core.rng import as_generator
from .._core.validation import (
    Integral,
    Interval,
    Real,
    binary_exponent,
    fit_context,
    row_exponents,
    unchanged_on_failure,
)
from ..encoder import Capabilities
from ..penalties import L1, WeightedL1
from ..solvers._rows import NON_FINITE
from ..solvers._scales import rescale
from ..solvers.certificates import duality_gap
from ..solvers.forward_backward import largest_eigenvalue
from ._encode import check_finite
from ._fit import coder_settings
from ._nested import EncoderOfCoder, minimising_coder, restored_coder
from ._unrolled import Layers, run_layers, train
from .sparse_coder import SparseCoder


class LISTA(EncoderOfCoder):
    r"""Approximate the l1 codes of a dictionary by a few trained layers (didactic: the exact solver is as fast).

    Layer k is an iteration of ISTA with weights U, which all layers share, and thresholds theta_k of its own,

        w <- S(w + (x - w D) U, theta_k),    S(z, theta) = sign(z) max(|z| - theta, 0),

    from w = 0, for atoms D that stay. Training minimises the squared error of the codes of the last layer, relative
    to the exact codes, over U of shape (n_features, n_components) and theta_k of shape (n_components,). It starts
    from ``U = D^T / ||D||_2^2`` and ``theta_k = alpha / ||D||_2^2``, which are ISTA, and keeps the layers with the
    least error on held-out rows: on those it is never worse than ISTA.

    Parameters
    ----------
    encoder : SparseCoder or None, default=None
        Whose codes the layers learn to give; it is cloned and fitted to the same rows. It needs penalty "l1" or
        "weighted-l1", and neither `fit_dc` nor `debias`. For atoms that are there already give
        ``SparseCoder(dictionary=D, alpha=0.5)``. None is ``SparseCoder()``.
    n_layers : int, default=8
        Layers.
    learning_rate : float, default=0.1
        First step of Adam, relative to the root mean square of the first weights, and of the first thresholds. Steps
        fall to zero along a half cosine.
    max_iter : int, default=30
        Epochs of training.
    batch_size : int, default=256
        Samples of a step.
    validation_fraction : float, default=0.1
        Share of the rows, drawn at random and at least one, by which the best epoch is chosen. The layers learn from
        the others (a single row is both).
    random_state : int, RandomState, Generator or None, default=None
        Seed of held-out rows and of the order of samples, and of the encoder where its own `random_state` is None.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    encoder_ : SparseCoder
        The fitted exact encoder.
    components_ : ndarray of shape (n_components, n_features)
        Its atoms D.
    dictionary_ : Dictionary
        The same as a value that cannot change.
    layer_weights_ : ndarray of shape (n_features, n_components)
        Weights U.
    thresholds_ : ndarray of shape (n_layers, n_components)
        Thresholds theta_k, in units of the codes.
    error_ : float
        ``sum ||w - w*||^2 / sum ||w*||^2`` of the codes of the last layer against the exact ones, on held-out rows.
    ista_error_ : float
        The same for ISTA with as many iterations.
    n_iter_ : int
        Epochs.
    history_ : structured ndarray of shape (n_epochs,)
        For each epoch: objective (half the squared error over the mean squared norm of exact codes, mean over
        samples), error (on held-out rows, after the epoch), sparsity (share of non-zero coefficients there), seconds.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, an encoder without l1 codes, and whatever the encoder raises.

    Notes
    -----
    Coupling the weights that act on codes, ``I - D U``, to those that act on samples follows Chen et al.; Gregor and
    LeCun learn both. `transform` costs O(n_layers F K) a row whatever the sparsity, training three times that.

    Didactic: whitened patches of 12 x 12, 288 atoms, alpha 0.5, 3.9 % active; layers trained on 18 000 patches in 10
    epochs, 2000 others coded. Squared error relative to that of the exact codes, and mean objective over the least:

    ====== ============ ============ ============
    layers ISTA         FISTA        LISTA
    ====== ============ ============ ============
    1      0.71, 1.43   0.71, 1.43   0.40, 1.20
    2      0.60, 1.27   0.60, 1.27   0.29, 1.09
    4      0.48, 1.17   0.45, 1.14   0.20, 1.05
    8      0.36, 1.10   0.25, 1.05   0.13, 1.03
    16     0.23, 1.05   0.07, 1.01   0.09, 1.02
    ====== ============ ============ ============

    In float32, 1, 2, 4 and 8 layers take 1.1, 2.6, 5.6 and 12 us a row of one core, the exact codes of `SparseCoder`
    5.0: layers are worth their time only where codes may be wrong by a third. Weights of its own for each layer
    lowered errors by 0 to 2 %, hence one matrix for all.

    See Also
    --------
    SparseCoder : exact codes.

    References
    ----------
    K. Gregor and Y. LeCun, "Learning fast approximations of sparse coding", ICML (2010).

    X. Chen, J. Liu, Z. Wang and W. Yin, "Theoretical linear convergence of unfolded ISTA and its practical weights
    and thresholds", NeurIPS (2018).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import SparseCoder
    >>> from sparsecode.coding import LISTA
    >>> rng = np.random.default_rng(0)
    >>> D = rng.standard_normal((30, 20))
    >>> D /= np.linalg.norm(D, axis=1, keepdims=True)
    >>> X = (rng.standard_normal((500, 30)) * (rng.random((500, 30)) < 0.1)) @ D
    >>> coder = SparseCoder(dictionary=D, alpha=0.1)
    >>> lista = LISTA(coder, n_layers=4, random_state=0).fit(X)
    >>> bool(lista.error_ < 0.5 * lista.ista_error_), lista.transform(X).shape
    (True, (500, 30))
    """

    _parameter_constraints = {  # noqa: RUF012  (scikit-learn's way to declare them)
        "encoder": [SparseCoder, None],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state", np.random.Generator],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        encoder=None,
        *,
        n_layers=8,
        learning_rate=0.1,
        max_iter=30,
        batch_size=256,
        validation_fraction=0.1,
        random_state=None,
        verbose=0,
    ):
        self.encoder = encoder
        self.n_layers = n_layers
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.verbose = verbose

    def capabilities(self):
        """Return what codes are and what the encoder can do."""
        return Capabilities("real", invertible=True, stateful=False, online=False, signed=self._has_signs())

    @fit_context(prefer_skip_nested_validation=False)  # the encoder is the user's
    def fit(self, X, y=None):
        """Fit the exact encoder to the rows of X, and train the layers on its codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : Ignored

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            X = self._check_input(X, reset=True)
            rng = as_generator(self.random_state)
            self.encoder_ = self._exact_encoder(rng).fit(X)
            self._exponent = binary_exponent(X)
            X = np.ldexp(X, -self._exponent) if self._exponent else X
            D, penalty = self.encoder_.components_, rescale(self.encoder_.penalty_, -self._exponent)
            codes = self._exact_codes(X, D, penalty)
            step = 1 / (largest_eigenvalue(D) or 1.0)
            entry = penalty.bind(np.square(D).sum(axis=1), X.dtype).entry
            layers = Layers.of_ista(D, entry, step, self.n_layers, positive=bool(penalty.positive)).astype(X.dtype)
            n_held_out = min(max(1, round(self.validation_fraction * len(X))), max(1, len(X) - 1))
            order = rng.permutation(len(X))
            held_out, rows = order[:n_held_out], order[n_held_out:] if len(X) > 1 else order
            self._layers, self.error_, self.ista_error_, records = train(
                layers,
                X[rows],
                codes[rows],
                (X[held_out], codes[held_out]),
                epochs=self.max_iter,
                batch_size=self.batch_size,
                learning_rate=self.learning_rate,
                rng=rng,
                n_jobs=self.encoder_.n_jobs,
                verbose=self.verbose,
            )
            self._publish(records)
        return self

    def transform(self, X):
        """Return the codes that the last layer gives for the rows of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            With the dtype of X (float64 unless X is float32).
        """
        X = self._check_input(X, reset=False)
        layers = self._layers.astype(X.dtype)
        codes = run_layers(layers, np.ldexp(X, -self._exponent) if self._exponent else X, self.encoder_.n_jobs)
        if self._exponent:
            with np.errstate(over="ignore"):
                np.ldexp(codes, self._exponent, out=codes)
        check_finite(np.isfinite(codes).all(axis=1), X.dtype)
        return codes

    def certificate(self, X):
        """Return the duality gap of the codes of the rows of X, relative to ``0.5 ||x||^2``.

        It bounds by how much the objective of a code exceeds that of the exact one, as for solvers (see
        `sparsecode.solvers.SolveResult`); rows that are zero have zero.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        codes = self.transform(X).astype(np.float64)
        X = self._check_input(X, reset=False).astype(np.float64)
        exponents, shares = row_exponents(X), np.zeros(len(X))
        for exponent in np.unique(exponents).tolist():
            rows = np.flatnonzero(exponents == exponent)
            samples = np.ldexp(X[rows], -exponent)
            penalty = rescale(self.encoder_.penalty_, -exponent, X.dtype)
            gap = duality_gap(samples, self.components_, np.ldexp(codes[rows], -exponent), penalty)
            half = 0.5 * np.square(samples).sum(axis=1)
            shares[rows] = np.divide(gap, half, out=np.zeros_like(gap), where=half > 0)
        return shares

    @property
    def layer_weights_(self):
        """Weights of the layers."""
        check_is_fitted(self)
        return self._layers.U.copy()

    @property
    def thresholds_(self):
        """Thresholds of the layers."""
        check_is_fitted(self)
        return np.ldexp(self._layers.theta, self._exponent)

    def _exact_encoder(self, rng):
        encoder, penalty = minimising_coder(SparseCoder() if self.encoder is None else self.encoder, rng)
        if not isinstance(penalty, L1 | WeightedL1):
            raise ValueError(
                f"`encoder` has {penalty!r}, but layers are iterations for 'l1' and 'weighted-l1'; give it one."
            )
        return encoder

    def _exact_codes(self, X, D, penalty):
        """Return the exact codes of rows as a CSR array."""
        result = coder_settings(self.encoder_).solve(X, D, penalty)
        check_finite(result.status != NON_FINITE, X.dtype)
        return result.codes

    def _publish(self, records):
        self.history_ = as_history(records, LayerRecord)
        self.n_iter_ = len(records)

    def _get_fitted_state(self):
        scalars = {"encoder": self.encoder_, "exponent": self._exponent, "positive": self._layers.positive}
        scalars |= {"errors": [self.error_, self.ista_error_]}
        return scalars, {"U": self._layers.U, "theta": self._layers.theta, "history": as_rows(self.history_)}

    def _set_fitted_state(self, scalars, arrays):
        encoder, U, theta = restored_coder(scalars["encoder"]), arrays["U"], arrays["theta"]
        K, F = encoder.components_.shape
        if theta.shape[1:] != (K,) or U.shape != (F, K) or not len(theta):
            raise ValueError("the layers and the atoms do not go together.")
        D = encoder.components_.astype(U.dtype)
        self._layers = Layers(D, U, theta, bool(scalars["positive"]))
        self.encoder_, self._exponent = encoder, scalars["exponent"]
        self.error_, self.ista_error_ = scalars["errors"]
        self._publish(from_rows(arrays["history"], LayerRecord))
