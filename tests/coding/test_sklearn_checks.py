"""scikit-learn's contract: the checks that `check_estimator` yields, and those that it leaves to be called.

Not called because they are about other kinds of estimators: check_class_weight_balanced_classifiers,
check_classifiers_predictions, check_estimators_data_not_an_array (needs predict), check_outlier_corruption,
check_array_api_input_and_values.
"""

import pytest
from sklearn.utils import estimator_checks as checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from sparsecode import SparseCoder

CODERS = [
    SparseCoder(max_iter=5),
    SparseCoder(max_iter=5, positive=True, init="data", n_jobs=2),
    SparseCoder(n_components=3, max_iter=5, alpha=0.3, alpha_scale="max", batch_size=7),
]

UNYIELDED = [
    "check_dataframe_column_names_consistency",
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


@parametrize_with_checks(CODERS)
def test_yielded_check(estimator, check):
    check(estimator)


# These checks mix frames and arrays on purpose.
@pytest.mark.filterwarnings("ignore:X (does not have valid|has) feature names:UserWarning")
@pytest.mark.parametrize("coder", CODERS, ids=repr)
@pytest.mark.parametrize("name", UNYIELDED)
def test_unyielded_check(name, coder):
    getattr(checks, name)(type(coder).__name__, coder)
