"""Progress of long fits: a tqdm bar at ``verbose=1``, nothing at 0."""

import warnings

from tqdm import TqdmWarning

with warnings.catch_warnings():
    warnings.simplefilter("ignore", TqdmWarning)  # notebooks without ipywidgets get bars of text, and need no warning
    from tqdm.auto import tqdm


def progress_bar(total, *, verbose, unit="batch"):
    """Return a tqdm bar (a context manager), silent when `verbose` is 0."""
    return tqdm(total=total, disable=not verbose, unit=unit, mininterval=0.2)
