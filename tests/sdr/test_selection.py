"""How familiarity becomes chances: published curves in closed form, draws, and values that are refused."""

import numpy as np
import pytest
from scipy.stats import chisquare

from sparsecode.sdr import Selection, familiarity, local_support, similarity_curve, win_probabilities
from sparsecode.sdr.selection import BOUNDS, SELECTIONS

from ..reference.memory import adaptive_floor, chances

pytestmark = pytest.mark.nojit

PYPY, DEMO = Selection.preset("sparseypy"), Selection.preset("vmu_demo")

#: Expected share of modules that agree, for 12, 11, ..., 0 of 12 active inputs in common, one item stored, K = 9.
CURVES = {
    "2014": (Selection.preset("rinkus2014").replace(support_power=1.0),
             ".991 .989 .987 .983 .978 .970 .954 .862 .340 .120 .111 .111 .111"),
    "sparseycore": ("sparseycore", ".512 .469 .454 .434 .409 .379 .344 .304 .262 .220 .134 .111 .111"),
    "sparseypy": (PYPY, ".949 .949 .949 .949 .949 .949 .949 .949 .949 .943 .111 .111 .111"),
    "sparseypy, shallow": (PYPY.replace(slope=8.0, centre=5 / 8, expansion=1.5),
                           ".947 .945 .940 .932 .916 .886 .834 .748 .623 .469 .111 .111 .111"),
    "demo": (DEMO, ".766 .759 .749 .731 .703 .658 .589 .492 .372 .250 .159 .117 .111"),
    "demo, constant": (DEMO.replace(expansion_power=0.0),
                       ".766 .762 .754 .741 .719 .683 .630 .554 .458 .353 .253 .171 .111"),
    "2010": ("rinkus2010", ".999 .999 .997 .994 .986 .963 .834 .288 .117 .111 .111 .111 .111"),
    "adaptive": ("adaptive", ".988 .984 .977 .965 .940 .883 .756 .535 .296 .159 .116 .111 .111"),
}  # fmt: skip
SIXTEEN = ".971 .965 .955 .939 .910 .851 .734 .536 .304 .140 .074 .063 .062"


@pytest.mark.parametrize("name", CURVES)
def test_published_similarity_curves(name):
    rule, values = CURVES[name]
    # Values are given with three digits
    np.testing.assert_allclose(similarity_curve(12, 9, rule)[::-1], np.array(values.split(), float), atol=6e-4)


def test_similarity_with_sixteen_units():
    np.testing.assert_allclose(similarity_curve(12, 16)[::-1], np.array(SIXTEEN.split(), float), atol=1e-3)


def test_expansivity():
    for name in ("rinkus2014", "sparseycore"):
        rule = Selection.preset(name)
        assert rule.expansivity(1.0, n_units=8) == 801
        assert rule.expansivity(0.1, n_units=8) == rule.expansivity(0.0, n_units=8) == 1
    assert Selection.preset("adaptive").expansivity(0.5, n_units=8, floor=0.5) == 1


@pytest.mark.parametrize("name", SELECTIONS)
def test_chances_are_those_of_the_naive_twin(name, rng):
    rule = Selection.preset(name)
    for power, fill in ((1.0, 0.4), (1.0, 0.0), (3.0, 0.4)):
        rule = rule.replace(support_power=power)
        U = rng.binomial(12, fill, size=(7, 5)) / 12
        U[:, 0] = rng.choice([0.5, 0.9, 1.0])
        V = local_support(U, powers=[power])
        floor = adaptive_floor(U, 12, power) if rule.floor == "adaptive" else rule.floor
        mu = chances(V, familiarity(V), 5, rule, floor)
        np.testing.assert_allclose(win_probabilities(U, 12, rule), mu / mu.sum(axis=1, keepdims=True), rtol=1e-12)


def test_kinds_of_evidence_multiply():
    V = local_support([[0.5, 1.0]], [[1.0, 0.5]], powers=(2, 1))
    assert V.tolist() == [[0.25, 0.5]]
    assert familiarity(V) == 0.5
    with pytest.raises(ValueError, match="argument"):
        local_support([[1.0]], powers=(1, 2))


def test_no_support_is_an_even_chance():
    for name in SELECTIONS:
        np.testing.assert_allclose(win_probabilities(np.zeros((3, 5)), 10, name), 0.2)


def test_extreme_values_stay_finite():
    steep = Selection(slope=1e6)
    assert np.isfinite(win_probabilities([[1.0, 0.0, 0.5]], 4, steep)).all()
    assert chisquare(win_probabilities(np.ones((1, 4)), 4, steep)[0]).statistic == 0


@pytest.mark.parametrize("floor", ["adaptive", 0.0, float(np.nextafter(1, 0))])
@pytest.mark.parametrize(("name", "least", "most"), [(name, *bounds) for name, bounds in BOUNDS.items()])
def test_chances_are_finite_at_all_bounds(name, least, most, floor):
    U = np.array([[1.0, 0.0, 0.5, 0.99], [1.0, 0.3, 0.9, 0.99], [1.0, 1.0, 1.0, 1.0]])
    for value in (least, most):
        for base in (Selection(), Selection.preset("sparseycore")):
            rule = base.replace(floor=floor, **{name: value})
            for support in (U, U[:1], U[2:], 0 * U, U.clip(max=0.5)):
                chances = win_probabilities(support, 4, rule)
                np.testing.assert_allclose(chances.sum(axis=1), 1)
                assert (chances >= 0).all()


def test_supports_familiarity_and_floors_are_checked():
    rule, fixed = Selection(), Selection.preset("rinkus2014")
    for function in (rule.likelihood, rule.expansivity):
        with pytest.raises(ValueError, match="the adaptive floor depends on the input: give `floor`"):
            function(0.5, n_units=4) if function == rule.expansivity else function([0.5], 0.5, n_units=4)
    for floor in (1.0, -0.1, float("nan")):
        with pytest.raises(ValueError, match=r"`floor` must lie in \[0, 1\)"):
            rule.likelihood([0.5], 0.5, 4, floor=floor)
    for wrong in (1.5, -0.1, float("nan")):
        with pytest.raises(ValueError, match=r"`support` must lie in \[0, 1\]"):
            fixed.likelihood([0.5, wrong], 0.5, 4)
        with pytest.raises(ValueError, match=r"`support` must lie in \[0, 1\]"):
            win_probabilities([[0.5, wrong]], 4)
        with pytest.raises(ValueError, match=r"`familiarity` must lie in \[0, 1\]"):
            fixed.expansivity(wrong, 4)
    with pytest.raises(ValueError, match="`n_active` must be a finite number >= 1, got 0"):
        win_probabilities([[0.5, 0.5]], 0)
    for sizes in ((0, 9), (4, 0), (4, 2.5)):
        with pytest.raises(ValueError, match="must be an integer >= 1"):
            similarity_curve(*sizes)


def test_rules_are_values():
    assert Selection.preset("adaptive") == Selection()
    assert hash(Selection(floor=0.5)) == hash(Selection(floor=0.5))
    assert Selection(slope=np.float32(2)).slope == 2.0


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"floor": 1.0}, ValueError, r"`floor` must be 'adaptive' or lie in \[0, 1\)"),
        ({"floor": "crosstalk"}, TypeError, "`floor` must be a finite number"),
        ({"slope": float("nan")}, TypeError, "`slope` must be a finite number"),
        ({"relative": 1}, TypeError, "`relative` must be True or False"),
        ({"baseline": 0.0}, ValueError, r"`baseline` must lie in \[1e-100, 1e\+100\]"),
        ({"support_power": -1.0}, ValueError, r"`support_power` must lie in \[0.001, 1e\+06\]"),
        ({"support_power": 1e-17}, ValueError, "`support_power` must lie in"),
        ({"expansion": -1.0}, ValueError, r"`expansion` must lie in \[0, 1e\+100\]"),
        ({"expansion": 1e308}, ValueError, "`expansion` must lie in"),
        ({"slope": 1e308}, ValueError, "`slope` must lie in"),
        ({"centre": -1e308}, ValueError, "`centre` must lie in"),
    ],
)
def test_wrong_values_are_refused(changes, error, message):
    with pytest.raises(error, match=message):
        Selection(**changes)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="there is no selection 'sparsey'; there are 'adaptive', 'rinkus2014'"):
        Selection.preset("sparsey")
