"""The code selection algorithm: how a memory chooses the code of an input by how familiar the input is."""

import dataclasses
import math

import numpy as np

from ._checks import check_shares, check_size
from ._selection_kernels import Rule, crosstalk_floor, expansivity, likelihoods

__all__ = ["SELECTIONS", "Selection", "familiarity", "local_support", "similarity_curve", "win_probabilities"]


#: Values within which chances neither overflow nor vanish, and a floor below 1 stays below it.
BOUNDS = {
    "expansion": (0, 1e100),
    "expansion_power": (0, 1e6),
    "slope": (0, 1e100),
    "centre": (-1e100, 1e100),
    "baseline": (1e-100, 1e100),
    "support_power": (1e-3, 1e6),
}


@dataclasses.dataclass(frozen=True)
class Selection:
    r"""How the support of units turns into their chances to win: one rule of the code selection algorithm.

    For an input with n active features and a module of K units with supports V, the familiarity G of the input (see
    `familiarity`) gives the height eta of a sigmoid, which gives each unit its chance,

        g   = max(G - floor, 0) / (1 - floor)
        eta = baseline + expansion g^expansion_power                (times K with `per_unit`)
        mu  = (eta - baseline) / (1 + exp(-slope (V - centre))) + baseline,

    and one unit of each module is drawn with probabilities ``mu / sum(mu)``. A familiar input thus gets the code that
    it had, a novel one a random code, and inputs between them codes that are the more alike, the more they are.

    Parameters
    ----------
    floor : float or "adaptive", default="adaptive"
        Familiarity up to which an input counts as novel, in [0, 1). "adaptive" is what chance alone would give,
        ``v + sqrt(2 ln K) sd + 0.02``, from the mean support v of all units and the larger of two standard deviations:
        ``sqrt(v (1 - v) / n)``, and 0.9 times that of the supports of units that do not lead their module; in a memory
        at least ``p + sqrt(p (1 - p) / n)``, with the share p of its weights that the unit of each module has that has
        most, mean over modules; at most 0.97, or ``1 - 1 / n`` if that is more.
    expansion : float, default=100.0
        Height at full familiarity, from 0 to 1e100.
    per_unit : bool, default=True
        Whether `expansion` is multiplied by the number of units of a module.
    expansion_power : float, default=2.0
        Exponent of g, from 0 to 1e6; 0 is a constant height.
    slope : float, default=8.0
        Steepness of the sigmoid, from 0 to 1e100.
    centre : float, default=0.5
        Its place, from -1e100 to 1e100.
    relative : bool, default=True
        Whether `slope` and `centre` are on the scale ``(V - floor) / (1 - floor)``.
    baseline : float, default=1.0
        Chance of a unit without support, from 1e-100 to 1e100.
    rectified : bool, default=False
        Whether ``mu = max(eta / (1 + exp(...)), baseline)``, and eta where V >= 0.999.
    support_power : float, default=1.0
        Exponent of the support, from 0.001 to 1e6; larger ones sharpen the match.

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If a value is out of range.

    Notes
    -----
    Presets (`Selection.preset`), and how far their constants can be trusted:

    * "adaptive": this library's. The only one of those tried that keeps both capacity and graded similarity.
    * "rinkus2014": form and constants as in an independent program that follows the paper of 2014, with V^10; the
      paper may have the last exponent of its sigmoid outside of the bracket, which was not checked.
    * "sparseycore": as a port of the author's Java program has them, before it moves `centre` from 0.5 to 0.9 in the
      course of learning, which is left out.
    * "sparseypy": the author's PyTorch program; "vmu_demo": his demonstration of the sigmoid, whose later version has
      a constant height (``expansion_power=0``). Read in these programs.
    * "rinkus2010": as in a small program after the paper of 2010; not compared with the paper.

    References
    ----------
    G. J. Rinkus, "A cortical sparse distributed coding model linking mini- and macrocolumn-scale functionality", Front.
    Neuroanat. 4:17 (2010). G. J. Rinkus, "Sparsey: event recognition via deep hierarchical sparse distributed codes",
    Front. Comput. Neurosci. 8:160 (2014).

    Examples
    --------
    >>> from sparsecode.sdr import Selection
    >>> rule = Selection.preset("rinkus2014")
    >>> rule.expansivity(1.0, n_units=8), rule.expansivity(0.1, n_units=8)
    (801.0, 1.0)
    >>> rule.replace(support_power=1.0).likelihood([0.0, 0.5, 1.0], familiarity=1.0, n_units=8).round(1).tolist()
    [1.0, 735.7, 801.0]
    """

    floor: float | str = "adaptive"
    expansion: float = 100.0
    per_unit: bool = True
    expansion_power: float = 2.0
    slope: float = 8.0
    centre: float = 0.5
    relative: bool = True
    baseline: float = 1.0
    rectified: bool = False
    support_power: float = 1.0

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "floor" and value == "adaptive":
                continue
            wanted = bool if field.type is bool else (int, float, np.integer, np.floating)
            if not isinstance(value, wanted) or (wanted is not bool and not math.isfinite(value)):
                kind = "True or False" if wanted is bool else "a finite number"
                raise TypeError(f"`{field.name}` must be {kind}, got {value!r:.60}.")
            object.__setattr__(self, field.name, bool(value) if wanted is bool else float(value))
        if self.floor != "adaptive" and not 0 <= self.floor < 1:
            raise ValueError(f"`floor` must be 'adaptive' or lie in [0, 1), got {self.floor!r}.")
        for name, (least, most) in BOUNDS.items():
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"`{name}` must lie in [{least:g}, {most:g}], got {getattr(self, name)!r}.")

    @classmethod
    def preset(cls, name):
        """Return a rule by its name.

        Parameters
        ----------
        name : {"adaptive", "rinkus2014", "sparseycore", "sparseypy", "vmu_demo", "rinkus2010"}

        Returns
        -------
        Selection

        Raises
        ------
        ValueError
            If there is no such name.
        """
        if name not in SELECTIONS:
            raise ValueError(f"there is no selection {name!r:.60}; there are {', '.join(map(repr, SELECTIONS))}.")
        return SELECTIONS[name]

    def replace(self, **changes):
        """Return a `Selection` with other values, which are given by name."""
        return dataclasses.replace(self, **changes)

    def floor_for(self, support, n_active, largest_fill=0.0):
        """Return the floor of the familiarity of an input.

        Parameters
        ----------
        support : array-like of shape (n_modules, n_units)
            Share of the active features whose weights to the unit are set (before `support_power`).
        n_active : int
            Active features.
        largest_fill : float, default=0.0
            Share of its weights that the unit with most has that is set, mean over modules.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If supports or `largest_fill` do not lie in [0, 1], or `n_active` is not at least 1.
        """
        check_size("n_active", n_active)
        fill = float(check_shares("largest_fill", largest_fill))
        support = np.sort(check_shares("support", support), axis=-1)
        others, n_units = support[..., :-1], support.shape[-1]
        spread = float(others.std()) if others.size else 0.0
        return crosstalk_floor(self.bind(), float(support.mean()), spread, fill, float(n_active), float(n_units))

    def expansivity(self, familiarity, n_units, floor=None):
        """Return the height eta for a familiarity.

        Parameters
        ----------
        familiarity : float
            In [0, 1].
        n_units : int
        floor : float or None, default=None
            In [0, 1). None is the own one; one that is adaptive depends on the input, and must be given (`floor_for`).

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If a value is out of range, or the floor is adaptive and not given.
        """
        check_size("n_units", n_units)
        return expansivity(
            self.bind(), float(check_shares("familiarity", familiarity)), self._floor(floor), float(n_units)
        )

    def likelihood(self, support, familiarity, n_units, floor=None):
        """Return the unnormalised chances mu to win.

        Parameters
        ----------
        support : array-like
            Supports V in [0, 1], to which `support_power` has been applied.
        familiarity : float
        n_units : int
        floor : float or None, default=None
            As for `expansivity`.

        Returns
        -------
        ndarray of the shape of `support`

        Raises
        ------
        ValueError
            As for `expansivity`.
        """
        support = check_shares("support", support)
        chances, floor = np.empty(support.size), self._floor(floor)
        height = self.expansivity(familiarity, n_units, floor)
        likelihoods(self.bind(), support.flatten(), height, floor, chances)
        return chances.reshape(support.shape)

    def bind(self):
        """Return the rule as kernels see it."""
        values = dataclasses.asdict(self)
        return Rule(**{name: -1.0 if value == "adaptive" else float(value) for name, value in values.items()})

    def _floor(self, floor):
        """Return the floor that is given, or the own one."""
        if floor is None and self.floor == "adaptive":
            raise ValueError("the adaptive floor depends on the input: give `floor`, for instance that of `floor_for`.")
        floor = self.floor if floor is None else float(floor)
        if not 0 <= floor < 1:
            raise ValueError(f"`floor` must lie in [0, 1), got {floor!r}.")
        return floor


_LOGISTIC = {"relative": False, "floor": 0.0}

#: Rules by name.
SELECTIONS = {
    "adaptive": Selection(),
    # (s1 exp(-s2 (V - s3)))^s4 with s = 0.1, 4, 1, 8
    "rinkus2014": Selection(0.1, slope=32.0, centre=1 + math.log(0.1) / 4, relative=False, support_power=10.0),
    "sparseycore": Selection(0.1, slope=4.0, relative=False, rectified=True),
    "sparseypy": Selection(
        0.2,
        expansion=2.5,
        per_unit=False,
        expansion_power=1.0,
        slope=28.0,
        centre=5 / 28,
        relative=False,
        baseline=1e-6,
    ),
    "vmu_demo": Selection(**_LOGISTIC, expansion=400.0, per_unit=False, slope=100 / 15),
    "rinkus2010": Selection(**_LOGISTIC, expansion=10_000.0, per_unit=False, expansion_power=7.0, slope=26.0),
}


def as_selection(selection):
    """Return the rule that a name or a rule stands for."""
    return selection if isinstance(selection, Selection) else Selection.preset(selection)


def local_support(*evidence, powers=None):
    r"""Return the support of units by several kinds of evidence: ``V = prod_i evidence_i^powers_i``.

    Parameters
    ----------
    *evidence : array-like of shape (n_modules, n_units)
        For each kind of input, the share of active sources whose weight to the unit is set.
    powers : sequence of float or None, default=None
        None is 1 for all.

    Returns
    -------
    ndarray of shape (n_modules, n_units)

    Examples
    --------
    >>> from sparsecode.sdr import local_support
    >>> local_support([[1.0, 0.5]], [[0.5, 0.5]], powers=(1, 2)).tolist()
    [[0.25, 0.125]]
    """
    powers = [1.0] * len(evidence) if powers is None else powers
    parts = [np.asarray(part, dtype=np.float64) ** power for part, power in zip(evidence, powers, strict=True)]
    return np.prod(np.broadcast_arrays(*parts), axis=0)


def familiarity(support):
    r"""Return how familiar an input is: ``G = 1 / Q sum_q max_k V_qk``.

    Parameters
    ----------
    support : array-like of shape (..., n_modules, n_units)

    Returns
    -------
    float or ndarray of shape (...)

    Examples
    --------
    >>> from sparsecode.sdr import familiarity
    >>> float(familiarity([[1.0, 0.0], [0.25, 0.5]]))
    0.75
    """
    return np.asarray(support, dtype=np.float64).max(axis=-1).mean(axis=-1)


def win_probabilities(support, n_active, selection="adaptive", largest_fill=0.0):
    r"""Return the probabilities ``mu / sum(mu)`` with which the units of each module win while learning.

    Parameters
    ----------
    support : array-like of shape (n_modules, n_units)
        Share of the active features whose weights to the unit are set.
    n_active : int
        Active features.
    selection : str or Selection, default="adaptive"
    largest_fill : float, default=0.0
        As for `Selection.floor_for`; of a memory it is ``unit_fill_.max(axis=1).mean()``.

    Returns
    -------
    ndarray of shape (n_modules, n_units)
        Rows add up to 1.

    Raises
    ------
    ValueError
        If supports do not lie in [0, 1], or `n_active` is not at least 1.

    Examples
    --------
    >>> from sparsecode.sdr import win_probabilities
    >>> win_probabilities([[1.0, 0.0, 0.0, 0.0]] * 5, n_active=10).round(3)[0].tolist()
    [0.992, 0.003, 0.003, 0.003]
    """
    rule, support = as_selection(selection), check_shares("support", support)
    n_units = support.shape[-1]
    floor = rule.floor_for(support, n_active, largest_fill)
    support = local_support(support, powers=[rule.support_power])
    chances = rule.likelihood(support, familiarity(support), n_units, floor)
    return chances / chances.sum(axis=-1, keepdims=True)


def similarity_curve(n_active, n_units, selection="adaptive"):
    r"""Return how alike the codes of two inputs are that share 0, 1, ..., n active features, in expectation.

    One input is stored and nothing else. With s the share of features in common, the winners of its code have support
    s, all other units none, so that ``G = s`` and a module agrees with probability ``mu(s) / (mu(s) + (K - 1) mu(0))``.

    Parameters
    ----------
    n_active : int
        Active features n of both inputs, at least 1.
    n_units : int
        Units K of a module.
    selection : str or Selection, default="adaptive"

    Returns
    -------
    ndarray of shape (n_active + 1,)
        Expected share of modules that agree; 1 / K is chance.

    Raises
    ------
    ValueError
        If `n_active` or `n_units` is not an integer >= 1.

    Examples
    --------
    >>> from sparsecode.sdr import similarity_curve
    >>> similarity_curve(4, 9, "sparseypy").round(3).tolist()
    [0.111, 0.943, 0.949, 0.949, 0.949]
    """
    n_active = check_size("n_active", n_active, whole=True)
    n_units = check_size("n_units", n_units, whole=True)
    module = np.zeros((1, n_units))
    curve = np.empty(n_active + 1)
    for shared in range(n_active + 1):
        module[0, 0] = shared / n_active
        curve[shared] = win_probabilities(module, n_active, selection)[0, 0]
    return curve
