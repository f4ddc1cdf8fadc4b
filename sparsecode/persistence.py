"""Save and load dictionaries and fitted encoders, exactly and without pickle.

A file is an archive (a zip of ``header.json`` and ``.npy`` members) that holds values only: numbers, strings
and arrays. Which class a file belongs to is looked up in tables of `_contents`; no file can name code to run.
"""

from ._contents import build_checkpoint, build_dictionary, build_encoder, describe_dictionary, describe_encoder
from ._core.archive import FormatError, format_errors, read_archive, read_header, write_archive
from .dictionary import Dictionary

__all__ = ["FormatError", "inspect_file", "load", "save"]


def save(value, path):
    """Save a `Dictionary` or a fitted encoder in one file, which `load` gives back bit for bit.

    Parameters
    ----------
    value : Dictionary or fitted encoder
        Parameters of an encoder may be numbers, strings, None, lists, tuples, dicts, arrays, dictionaries,
        penalties, selections, encoders and likelihoods of anomalies; for a random generator, give its seed.
    path : str or path-like
        File to write; ``.npz`` is the usual ending. It is replaced in one step: after a crash the old or the
        new file is there. A symbolic link is refused.

    Raises
    ------
    TypeError
        If `value` or one of its parameters cannot be saved.
    ValueError
        If names and strings take more than 1 MiB.
    sklearn.exceptions.NotFittedError
        If the encoder is not fitted.
    OSError
        If the file cannot be written.

    See Also
    --------
    load, inspect_file

    Notes
    -----
    The file is a zip of ``header.json`` and ``.npy`` members without compression, so that ``numpy.load`` reads
    its arrays, and so will any program in twenty years.

    Examples
    --------
    >>> import os, tempfile
    >>> import sparsecode
    >>> atoms = sparsecode.Dictionary.random(4, (3, 3), random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "atoms.npz")
    ...     sparsecode.save(atoms, path)
    ...     sparsecode.load(path) == atoms
    True
    """
    if isinstance(value, Dictionary):
        write_archive(path, "dictionary", *describe_dictionary(value))
    else:
        write_archive(path, "encoder", *describe_encoder(value))


def load(path, *, kind=None):
    """Load what `save` has written: a `Dictionary` or a fitted encoder. A `Checkpoint` gives the encoder of its time.

    Parameters
    ----------
    path : str or path-like
    kind : {"dictionary", "encoder", "checkpoint"} or None, default=None
        Refuse a file that holds something else; None takes all.

    Returns
    -------
    Dictionary or encoder

    Raises
    ------
    FormatError
        If the file is damaged, comes from elsewhere, was written by a later version, or holds another `kind`.
    OSError
        If the file cannot be read.

    See Also
    --------
    save, inspect_file

    Notes
    -----
    Loading runs no code from the file, whoever wrote it, and takes no more memory than the file has bytes
    (twice that for an encoder). Checksums are compared.

    Examples
    --------
    >>> import os, tempfile
    >>> import sparsecode
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "atoms.npz")
    ...     sparsecode.Dictionary.dct(8).save(path)
    ...     sparsecode.load(path)
    Dictionary(8 atoms of 8, float64, coords: frequency_feature)
    """
    header, arrays = read_archive(path, kind)
    with format_errors(path):
        if header["kind"] not in _BUILDERS:
            raise FormatError(f"holds {header['kind']!r:.60}, which this version does not know.")
        return _BUILDERS[header["kind"]](header, arrays)


def inspect_file(path):
    """Return the header of a saved file as a dict, without reading its arrays.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    dict
        "kind", "class", "params", "scalars"; "arrays" (dtype, shape, bytes and checksum of each); "writer"
        (versions) and "created" (UTC).

    Raises
    ------
    FormatError
        If the file is damaged, comes from elsewhere, or was written by a later version.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import os, tempfile
    >>> import sparsecode
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "atoms.npz")
    ...     sparsecode.Dictionary.random(4, (3, 3), random_state=0).save(path)
    ...     header = sparsecode.inspect_file(path)
    >>> header["kind"], header["arrays"]["atoms"]["shape"]
    ('dictionary', [4, 3, 3])
    """
    return read_header(path)


_BUILDERS = {
    "dictionary": build_dictionary,
    "encoder": build_encoder,
    "checkpoint": lambda header, arrays: build_checkpoint(header, arrays)[0],
}
