"""`compare_coders`: the table against plain loops, what it leaves out, and what it refuses."""

import numpy as np
import pytest
from sklearn.base import clone

from sparsecode import Dictionary, SparseCoder
from sparsecode._core.validation import Interval, Real
from sparsecode.coding import LCA, SAILnet, compare_coders
from sparsecode.encoder import Capabilities, Encoder
from sparsecode.penalties import MCP
from sparsecode.solvers import debias, solve
from tests.contracts.winners import RandomWinners

SECONDS = ["fit_seconds", "transform_seconds"]


@pytest.fixture(scope="module")
def rows(patches):
    return patches[:1500], patches[1500:2100]


@pytest.fixture(scope="module")
def atoms(patches):
    return SparseCoder(100, alpha=0.5, max_iter=1, random_state=0, n_jobs=-1).fit(patches[:5000]).components_


def relative_error(X, X_hat):
    return np.square(X - X_hat).sum() / np.square(X).sum()


def test_a_common_dictionary_gives_what_loops_give(rows, atoms):
    X, X_test = rows
    methods = {"l1": {}, "mcp": {"penalty": MCP(), "encode_tol": 1e-6}, "cel0": {"penalty": "cel0"}}
    coders = {name: SparseCoder(**settings) for name, settings in methods.items()}
    table = compare_coders(coders, X, X_test, target_sparsity=[0.03, 0.06], dictionary=atoms)
    assert dict(table.sizes) == {"coder": 3, "level": 2, "seed": 1, "quantile": 5}
    for name, settings in methods.items():
        for level in (0.03, 0.06):
            coder = SparseCoder(dictionary=atoms, target_sparsity=level, **settings).fit(X_test)
            codes = coder.transform(X_test)
            cell = table.sel(coder=name, level=level, seed=0)
            result = solve(X_test, atoms, coder.penalty_, tol=coder.encode_tol)
            expected = {
                "n_atoms": 100,
                "relative_error": relative_error(X_test, codes @ atoms),
                "debiased_error": relative_error(X_test, debias(X_test, atoms, codes) @ atoms),
                "active_fraction": (codes != 0).mean(),
                "mean_l0": (codes != 0).sum(axis=1).mean(),
                "alpha": coder.alpha_,
                "n_iter": result.n_iter.mean(),
                "certificate": result.certificate.max(),
                "not_converged": (result.status != 0).mean(),
            }
            for measure, value in expected.items():
                np.testing.assert_allclose(cell[measure], value, rtol=1e-12, err_msg=measure)
            np.testing.assert_allclose(
                cell.l0_quantile, np.quantile((codes != 0).sum(axis=1), table["quantile"].values)
            )
            assert abs(cell.active_fraction / level - 1) < 0.006
            assert all(cell[seconds] > 0 for seconds in SECONDS)
    assert all("units" in variable.attrs for variable in table.data_vars.values())
    assert table.level.attrs == {"long_name": "target_sparsity", "units": "1"}
    assert table.attrs == {"n_samples": 1500, "n_test": 600}


def test_learned_dictionaries_meet_the_level_on_the_test_samples(rows):
    X, X_test = rows
    coder = SparseCoder(penalty="cel0", max_iter=1)
    table = compare_coders({"a": coder}, X, X_test, mean_l0=4, n_components=[40, 60], seeds=[1, 3])
    assert table.relative_error.dims == ("coder", "level", "seed", "n_components")
    assert table.n_components.values.tolist() == [40, 60]
    assert abs(table.mean_l0 / 4 - 1).max() < 0.006
    learned = SparseCoder(60, penalty="cel0", target_sparsity=4 / 60, max_iter=1, random_state=3).fit(X)
    again = SparseCoder(dictionary=learned.components_, penalty="cel0", target_sparsity=4 / 60).fit(X_test)
    error = relative_error(X_test, again.inverse_transform(again.transform(X_test)))
    assert table.relative_error.sel(n_components=60, seed=3).item() == pytest.approx(error, rel=1e-12)
    assert len(np.unique(table.relative_error)) == 4


def test_a_learner_of_common_atoms_learns_for_each_seed(rows):
    X, X_test = rows
    learner = SparseCoder(30, alpha=0.5, max_iter=1, fit_dc=True)
    coders = {"l1": SparseCoder(), "OMP": SparseCoder(n_nonzero_coefs=7, solver="omp")}
    table = compare_coders(coders, X, X_test, target_sparsity=0.1, dictionary=learner, seeds=[0, 1])
    D = learner.set_params(random_state=1).fit(X).components_[1:]
    codes = SparseCoder(dictionary=D, n_nonzero_coefs=3, solver="omp").fit(X_test).transform(X_test)
    assert table.relative_error.sel(coder="OMP", seed=1).item() == pytest.approx(relative_error(X_test, codes @ D))
    assert (table.mean_l0.sel(coder="OMP") == 3).all()
    assert np.isnan(table.alpha.sel(coder="OMP")).all()
    assert (table.relative_error.sel(seed=0) != table.relative_error.sel(seed=1)).all()


def test_learning_starts_from_common_atoms(rows):
    X, X_test = rows
    start = SparseCoder(alpha=0.5, max_iter=1)
    coder = SparseCoder(penalty="cel0", max_iter=1)
    settings = {"mean_l0": 3, "n_components": [30, 40], "seeds": 5, "init": start}
    table = compare_coders({"own": coder}, X, X_test, **settings)
    learner = SparseCoder(penalty="cel0", alpha=0.2, max_iter=1)
    common = compare_coders({"own": coder}, X, X_test, dictionary=learner, **settings)
    for size in (30, 40):
        first = SparseCoder(size, alpha=0.5, max_iter=1, random_state=5).fit(X).components_
        for found, choice in ((table, {"target_sparsity": 3 / size}), (common, {"alpha": 0.2})):
            learned = SparseCoder(size, penalty="cel0", max_iter=1, init=first, random_state=5, **choice).fit(X)
            again = SparseCoder(dictionary=learned.components_, penalty="cel0", target_sparsity=3 / size).fit(X_test)
            error = relative_error(X_test, again.inverse_transform(again.transform(X_test)))
            assert found.relative_error.sel(n_components=size).item() == pytest.approx(error, rel=1e-12)
    given = compare_coders({"own": SparseCoder(max_iter=1)}, X, X_test, mean_l0=3, init=first)
    assert abs(given.mean_l0.item() / 3 - 1) < 0.006
    assert given.n_atoms.item() == 40


def test_equal_errors_and_debiasing(rows, atoms):
    coders = {"l1": SparseCoder(), "l1, debiased": SparseCoder(debias=True), "fixed": SparseCoder(n_nonzero_coefs=3)}
    with pytest.warns(UserWarning, match=r"no weight that meets a `target_snr`.*\(coder 'fixed', target_snr=8, seed=0"):
        table = compare_coders(coders, rows[1], target_snr=8.0, dictionary=Dictionary.from_array(atoms))
    errors = table.relative_error.isel(level=0, seed=0)
    np.testing.assert_allclose(errors[:2], 10**-0.8, rtol=0.006)
    assert np.isnan(errors[2])
    sparse = table.mean_l0.sel(coder="l1, debiased") / table.mean_l0.sel(coder="l1")
    assert sparse.item() < 0.7
    same = table.sel(coder="l1, debiased")
    np.testing.assert_allclose(same.debiased_error, same.relative_error, rtol=1e-9)


def test_levels_out_of_reach_are_nan_and_named(rows, atoms):
    X = rows[1][:100]
    with pytest.warns(UserWarning, match=r"left out, NaN: `target_snr=40` cannot be met.*\(coder 'few', target_snr=40"):
        table = compare_coders({"few": SparseCoder(dictionary=atoms[:20])}, X, target_snr=[2, 40])
    assert np.isfinite(table.relative_error.sel(level=2)).all()
    assert all(np.isnan(variable.sel(level=40)).all() for variable in table.data_vars.values())
    with pytest.warns(UserWarning, match="0.001 of 100 atoms is less than one"):
        table = compare_coders({"k": SparseCoder(n_nonzero_coefs=1)}, X, target_sparsity=0.001, dictionary=atoms)
    with pytest.warns(UserWarning, match="120 of 100 atoms cannot be active"):
        compare_coders({"l1": SparseCoder()}, X, mean_l0=120, dictionary=atoms)


def test_the_constant_atom_does_not_count(rows, atoms):
    X = rows[1] + 3
    table = compare_coders({"dc": SparseCoder(fit_dc=True)}, X, target_sparsity=0.04, dictionary=atoms)
    assert abs(table.mean_l0.item() / 4 - 1) < 0.006
    assert table.n_atoms.item() == 100
    assert table.relative_error.item() < 0.1  # of rows with their means


def test_warnings_of_coders_say_which_method_they_are_about(rows, atoms):
    coders = {"hard": SparseCoder(penalty="l0", solver="forward-backward", encode_tol=1e-2)}
    with pytest.warns(UserWarning, match=r"depend on its step.*\(coder 'hard', target_sparsity=0.02, seed=0\)") as told:
        compare_coders(coders, rows[1][:100], target_sparsity=0.02, dictionary=atoms)
    assert len(told) == 1
    with pytest.warns(UserWarning, match=r"stopped at `encode_max_iter`=1.*\(coder 'hurried'"):
        table = compare_coders({"hurried": SparseCoder(encode_max_iter=1)}, rows[1], mean_l0=5, dictionary=atoms)
    assert table.not_converged.item() > 0.5


def test_other_encoders_and_functions_of_the_level(rows):
    X, X_test = rows
    coders = {"winners": lambda level: RandomWinners(40, n_winners=round(40 * level), binarize=0.0)}
    table = compare_coders(coders, X, X_test, target_sparsity=[0.05, 0.1])
    assert table.mean_l0.values.ravel().tolist() == [2, 4]
    assert table.n_atoms.values.ravel().tolist() == [40, 40]
    assert all(np.isnan(table[name]).all() for name in ("certificate", "relative_error", "debiased_error", "alpha"))


def test_a_parameter_is_found_for_which_codes_meet_the_level(rows, atoms):
    """Of a circuit, where activity falls with its parameter, and of a network that learns, where it rises."""
    X, X_test = rows
    coders = {"LCA": (LCA(threshold="hard", alpha=0.3), "alpha")}
    table = compare_coders(coders, X, X_test, target_sparsity=[0.02, 0.05], dictionary=atoms)
    assert abs(table.active_fraction / table.level - 1).max() < 0.006
    circuit = table.sel(coder="LCA", level=0.05).isel(seed=0)
    codes = LCA(atoms, threshold="hard", alpha=circuit.tuned.item()).fit(X).transform(X_test)
    assert circuit.relative_error.item() == pytest.approx(relative_error(X_test, codes @ atoms), rel=1e-12)
    assert circuit.tuned.item() < 0.3 < table.tuned.sel(coder="LCA", level=0.02).item()
    network = SAILnet(100, batch_size=10, max_iter=5, target_rate=0.1)
    table = compare_coders({"SAILnet": (network, "target_rate")}, X, X_test, target_sparsity=0.02, seeds=1)
    assert table.active_fraction.item() == pytest.approx(0.02, rel=0.05)  # learned anew by each step of the search
    again = clone(network).set_params(target_rate=table.tuned.item(), random_state=1).fit(X)
    assert table.mean_l0.item() == np.count_nonzero(again.transform(X_test), axis=1).mean()
    assert table.tuned.item() > 0.1
    matched = compare_coders({"LCA": coders["LCA"]}, X, X_test, target_snr=6, dictionary=atoms)
    assert matched.relative_error.item() == pytest.approx(10**-0.6, rel=0.006)
    counted = compare_coders({"LCA": coders["LCA"]}, X, X_test, mean_l0=3, dictionary=atoms)
    assert counted.mean_l0.item() == pytest.approx(3, rel=0.006)
    with pytest.warns(UserWarning, match=r"no `target_rate` up to 100 times the given one.* \(coder 'SAILnet'"):
        table = compare_coders({"SAILnet": (SAILnet(8, max_iter=1), "target_rate")}, X[:200], target_snr=30)
    assert np.isnan(table.n_atoms).all()


class Told(Encoder):
    """Has an active fraction of its own for each weight, whatever the data; 0 is no active atom."""

    tried: list = []  # noqa: RUF012
    _parameter_constraints = {"alpha": [Interval(Real, 0, None, closed="neither")]}  # noqa: RUF012

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def fit(self, X, y=None):
        self.tried.append(self.alpha)
        if self.alpha > 500:
            raise ValueError("too large")
        self.code_shape_ = (100,)
        return self

    def capabilities(self):
        return Capabilities("real", invertible=False, stateful=False, online=False)

    def fraction(self, alpha):
        return 0.3 / alpha if alpha < 8 else 0.0

    def transform(self, X):
        codes = np.zeros((len(X), 100))
        codes[:, : round(100 * self.fraction(self.alpha))] = 1
        return codes


class Hill(Told):
    """Activity rises first, and falls then."""

    def fraction(self, alpha):
        return 0.4 * np.exp(-np.square(np.log(alpha)))


@pytest.mark.parametrize(
    ("coder", "alpha", "level"),
    [
        (Told, 12, 0.1),  # nothing is active at 12 and 18
        (Told, 90, 0.1),
        (Told, 0.5, 0.05),
        (Told, 0.1, 0.1),
        (Hill, 0.8, 0.1),  # of equal errors at both sides of the top
        (Hill, 0.3, 0.3),
        (Hill, 10, 0.3),
        (Hill, 1.01, 0.4),
    ],
)
def test_the_search_looks_at_both_sides(rows, coder, alpha, level):
    X = rows[1][:50]
    Told.tried.clear()
    table = compare_coders({"a": (coder(alpha=alpha), "alpha")}, X, target_sparsity=level)
    assert abs(table.active_fraction.item() - level) < 0.006
    assert coder.tried[0] == alpha  # at its exact value
    assert len(coder.tried) <= 23


def test_what_no_value_meets_is_named(rows):
    with pytest.warns(UserWarning, match=r"no `alpha` up to 100 times the given one, or below, meets it: 0.38 at best"):
        table = compare_coders({"a": (Hill(alpha=10), "alpha")}, rows[1][:50], target_sparsity=0.9)
    assert np.isnan(table.n_atoms).all()


def test_the_constant_atom_does_not_count_in_a_search(rows, atoms):
    table = compare_coders({"dc": (SparseCoder(fit_dc=True, alpha=0.3), "alpha")}, rows[1] + 3, mean_l0=3,
                           dictionary=atoms)  # fmt: skip
    assert table.mean_l0.item() == pytest.approx(3, rel=0.006)


class Failing(SparseCoder):
    """Cannot learn some numbers of atoms."""

    def fit(self, X, y=None, sample_weight=None):
        if self.n_components == 13:
            raise ZeroDivisionError("thirteen")
        return super().fit(X, y, sample_weight)


def test_a_coder_that_fails_leaves_the_others_alone(rows):
    X, X_test = rows
    coders = {"l1": SparseCoder(max_iter=1), "bad": Failing(max_iter=1)}
    levels = {"target_sparsity": [0.1, 0.2], "n_components": [12, 13], "seeds": 4}
    failed = r"failed, NaN: ZeroDivisionError: thirteen \(coder 'bad', target_sparsity=0.[12], seed=4, n_components=13"
    with pytest.warns(UserWarning, match=failed) as told:
        table = compare_coders(coders, X, X_test, **levels)
    assert len(told) == 2
    assert all(np.isnan(array.sel(coder="bad", n_components=13)).all() for array in table.data_vars.values())
    rest = table.relative_error.where((table.coder == "l1") | (table.n_components == 12), 0)
    assert np.isfinite(rest).all()
    learner = Failing(alpha=1.0, max_iter=1)
    with pytest.warns(UserWarning, match=r"thirteen \(atoms that methods share, seed=4, n_components=13\)"):
        table = compare_coders({"l1": SparseCoder()}, X, dictionary=learner, **levels)
    assert np.isfinite(table.relative_error).all("level").values.tolist() == [[[True, False]]]


def test_where_nothing_works_the_error_is_raised(rows):
    with pytest.warns(UserWarning, match="failed, NaN"), pytest.raises(ZeroDivisionError, match="thirteen") as raised:
        compare_coders({"bad": Failing(13)}, rows[1], target_sparsity=0.1, seeds=[2, 3])
    assert raised.value.__notes__ == ["(coder 'bad', target_sparsity=0.1, seed=2)"]


@pytest.mark.filterwarnings("error")
def test_warnings_that_are_errors_come_after_the_table(rows, atoms):
    coders = {"hurried": SparseCoder(encode_max_iter=1), "l1": SparseCoder()}
    with pytest.raises(UserWarning, match=r"stopped at `encode_max_iter`=1.*\(coder 'hurried'") as raised:
        compare_coders(coders, rows[1], mean_l0=[3, 5], dictionary=atoms)
    assert np.isfinite(raised.value.table.relative_error).all()
    with pytest.raises(ZeroDivisionError, match="thirteen"):
        compare_coders({"bad": Failing(13)}, rows[1], target_sparsity=0.1)


def test_warnings_point_at_the_line_of_the_user(rows, atoms):
    with pytest.warns(UserWarning, match="120 of 100 atoms cannot be active") as told:
        compare_coders({"l1": SparseCoder()}, rows[1][:50], mean_l0=120, dictionary=atoms)
    assert [warning.filename for warning in told] == [__file__]


def test_the_same_again_for_any_number_of_threads(rows):
    X, X_test = rows
    tables = [
        compare_coders(
            {"l1": SparseCoder(30, max_iter=2, n_jobs=n_jobs)}, X, X_test, target_sparsity=0.05, seeds=[2]
        ).drop_vars(SECONDS)
        for n_jobs in (1, 2)
    ]
    assert tables[0].identical(tables[1])


def test_parameters_stay_as_they_are_and_progress_is_shown(rows, atoms, capsys):
    coder = SparseCoder(12, debias=True)
    before = coder.get_params()
    compare_coders({"l1": coder}, rows[1][:100], target_sparsity=0.05, dictionary=atoms, verbose=1)
    assert coder.get_params() == before
    assert not hasattr(coder, "components_")
    assert "1/1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"target_sparsity": None}, ValueError, "give levels of exactly one of target_sparsity, target_snr, mean_l0; "
         "got none"),
        ({"mean_l0": 3}, ValueError, "got target_sparsity, mean_l0"),
        ({"target_sparsity": []}, ValueError, r"`target_sparsity` must be positive numbers, got \[\]"),
        ({"target_sparsity": 1.5}, ValueError, "shares of all coefficients, below 1, got 1.5"),
        ({"target_sparsity": None, "target_snr": [3, np.nan]}, ValueError, "`target_snr` must be positive numbers"),
        ({"seeds": [1, 1]}, ValueError, "`seeds` must be one or several different integers of at least 0"),
        ({"n_components": 0}, ValueError, "`n_components` must be one or several different integers of at least 1"),
        ({"coders": {"a": "l1"}}, TypeError, "coder 'a' must be an Encoder, a pair .* got 'l1'"),
        ({"coders": {"w": RandomWinners()}}, TypeError, "'w': RandomWinners has no parameter `target_sparsity`"),
        ({"coders": {"l1": SparseCoder(alpha=1.0)}}, ValueError, "coder 'l1': .*both say how sparse codes shall be"),
        ({"coders": {"a": (LCA(), "gain")}}, TypeError, "must be a pair of an Encoder and the name of its par"),
        ({"coders": {"a": (LCA(), "alpha")}}, TypeError, "coder 'a' needs a positive `alpha`, .* got None"),
        ({"coders": {"a": (SAILnet(), "batch_size")}}, TypeError, "'a': `batch_size`=.* is an integer, and levels"),
    ],
)  # fmt: skip
def test_what_is_refused(rows, change, error, message):
    arguments = {"coders": {"l1": SparseCoder()}, "X": rows[1][:50], "target_sparsity": 0.05} | change
    with pytest.raises(error, match=message):
        compare_coders(**arguments)
