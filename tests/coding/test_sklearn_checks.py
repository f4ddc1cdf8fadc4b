"""scikit-learn's contract: the checks that `check_estimator` yields, and those that it leaves to be called."""

import fnmatch
import inspect

import numpy as np
import pytest
from sklearn.utils import estimator_checks as checks
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from sparsecode import SparseCoder
from sparsecode.coding import SAILnet
from sparsecode.sdr import MacrocolumnMemory

from ..contracts.encoders import ENCODERS

#: One row alone, of which nothing reaches the weight of the penalty; rows with too few ones, or too many segments.
pytestmark = [
    pytest.mark.filterwarnings("ignore:the codes of .* images are zero:UserWarning"),
    pytest.mark.filterwarnings(r"ignore:\d+ (of \d+ )?segments"),
]

#: All encoders of the registry but those whose data have a fixed width, which `Case.fixed_width` gives the reason for.
INSTANCES = {name: case.make() for name, case in ENCODERS.items() if case.fixed_width is None}

UNYIELDED = [
    "check_dataframe_column_names_consistency",
    "check_estimators_partial_fit_n_features",
    "check_get_feature_names_out_error",
    "check_global_output_transform_pandas",
    "check_global_set_output_transform_polars",
    "check_inplace_ensure_writeable",
    "check_param_validation",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
]

#: Patterns of the names of checks that are not called, and why.
NOT_CALLED = {
    "check_array_api*": "encoders take NumPy arrays only",
    "check_class*": "for classifiers",
    "check_cluster*": "for clusterers",
    "check_decision_proba_consistency": "for classifiers",
    "check_estimator": "the whole of the checks; not one of them",
    "check_estimators_data_not_an_array": "needs predict",
    "check_fit_non_negative": "for estimators that refuse negative input",
    "check_is_fitted": "the function of sklearn.utils.validation",
    "check_non_transformer_estimators_n_iter": "for others than transformers",
    "check_nonsquare_error": "for estimators of pairs of samples",
    "check_outlier*": "for outlier detectors",
    "check_regress*": "for regressors",
    "check_requires_y_none": "for estimators that need y",
    "check_sample_weight_equivalence_on_sparse_data": "encoders of real rows take no sparse ones",
    "check_sparsify_coefficients": "for linear models",
    "check_supervised*": "for estimators that need y",
    "check_transformers_unfitted_stateless": "for transformers without fit",
}

IN_TIME = dict.fromkeys(
    ("check_methods_sample_order_invariance", "check_methods_subset_invariance"),
    "rows are moments of time: a code depends on the rows before it",
)


#: A row of weight 2 counts as much as two rows, but these may fall into different batches.
IN_BATCHES = {"check_sample_weight_equivalence_on_dense_data": "batches are made of rows, not of their weights"}

ALL_ONES = {"check_fit_score_takes_y": "its X is positive: above a threshold of 0 all rows are equal"}

#: Old versions of this check take a mean, which is no integer, from the integers that stand for categories.
INTEGERS = "check_positive_only_tag_during_fit"
INTEGERS = {} if "astype" in inspect.getsource(getattr(checks, INTEGERS)) else {INTEGERS: "the check itself fails"}


def expected_failures(encoder):
    if get_tags(encoder).input_tags.categorical:
        return INTEGERS
    all_ones = ALL_ONES if getattr(encoder, "binarize", None) == 0 else {}
    if encoder.capabilities().stateful:
        return IN_TIME | all_ones
    if isinstance(encoder, MacrocolumnMemory):
        return all_ones
    learns_from_batches = isinstance(encoder, SparseCoder) and encoder.capabilities().online
    return IN_BATCHES if learns_from_batches or isinstance(encoder, SAILnet) else {}


@pytest.fixture(autouse=True)
def same_order():
    """Let the order that a check draws from the global generator be one that shows whether codes depend on it."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.set_state(np.random.RandomState(0).get_state())  # noqa: NPY002
    yield
    np.random.set_state(state)  # noqa: NPY002


@pytest.mark.filterwarnings("ignore:`target_sparsity=.* is met up to .* only")  # of a few equal rows
@pytest.mark.filterwarnings("ignore:a random row of the same features")
@pytest.mark.filterwarnings("ignore:.* items are stored, but of random inputs like these")  # few features, most active
@parametrize_with_checks(list(INSTANCES.values()), expected_failed_checks=expected_failures)
def test_yielded_check(estimator, check):
    check(estimator)


# These checks mix frames and arrays on purpose.
@pytest.mark.filterwarnings("ignore:a random row of the same features")
@pytest.mark.filterwarnings("ignore:.* items are stored, but of random inputs like these")
@pytest.mark.filterwarnings("ignore:X (does not have valid|has) feature names:UserWarning")
@pytest.mark.parametrize("instance", INSTANCES)
@pytest.mark.parametrize("name", UNYIELDED)
def test_unyielded_check(name, instance):
    encoder = INSTANCES[instance]
    getattr(checks, name)(type(encoder).__name__, encoder)


def test_every_check_is_called_or_its_absence_explained():
    called = set(UNYIELDED)
    for encoder in INSTANCES.values():
        called |= {getattr(check, "func", check).__name__ for _, check in estimator_checks_generator(encoder)}
    others = {name for name in dir(checks) if name.startswith("check_")} - called
    explained = {pattern: fnmatch.filter(others, pattern) for pattern in NOT_CALLED}
    assert others == {name for names in explained.values() for name in names}
    assert all(explained.values())
    assert not set(UNYIELDED) - set(dir(checks))
