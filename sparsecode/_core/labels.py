"""Labels of rows: their places among those that are known, in streams and in files."""

import numpy as np


def row_labels(labels):
    """Return labels as an array of integers or strings, or None if they are something else."""
    try:
        labels = np.asarray(labels)
    except ValueError:  # rows of different lengths
        return None
    if labels.dtype == object and all(isinstance(label, str) for label in labels.flat):
        labels = labels.astype(np.str_)
    return labels if labels.dtype.kind in "biuUS" else None


def label_numbers(labels, known, *, of, among):
    """Return the place of each label in the sorted array `known`; `of` and `among` are what an error names them."""
    numbers = np.searchsorted(known, labels).clip(max=len(known) - 1)
    strange = np.flatnonzero(known[numbers] != labels)
    if strange.size:
        raise ValueError(
            f"{of} has labels that are not among `{among}`, such as {str(labels[strange[0]])!r:.60}; {among} are "
            f"{known!s:.100}."
        )
    return numbers


def stream_classes(classes, known):
    """Return the sorted classes of a stream, from the parameter of `partial_fit` and those of calls before or None."""
    if known is None:
        if classes is None or not len(classes):
            raise ValueError("`classes` must be given in the first call of partial_fit: all labels there are.")
        return np.unique(classes)
    if classes is not None and not np.array_equal(np.unique(classes), known):
        raise ValueError(f"`classes` must be those of the first call, {known!s:.100}; leave them out.")
    return known


def labels_to_file(labels):
    """Return an array of labels as a value that a file can hold."""
    return labels.tolist() if labels.dtype == object else labels


def labels_from_file(labels):
    """Return the array that `labels_to_file` has been given."""
    return labels if isinstance(labels, np.ndarray) else np.array(labels, dtype=object)
