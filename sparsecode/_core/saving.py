"""How fitted estimators are saved."""


class SavedMixin:
    """For estimators with ``_get_fitted_state`` and ``_set_fitted_state``."""

    def save(self, path):
        """Save the fitted estimator in one file, which `sparsecode.load` gives back bit for bit.

        Parameters
        ----------
        path : str or path-like
            Usually ending in ``.npz``. Replaced in one step.
        """
        from ..persistence import save

        save(self, path)
