"""Checkpoints of long fits: numbered files in a folder, of which the newest valid one is where a fit goes on.

A checkpoint is an archive of kind "checkpoint", replaced in one step, without pickle. It says which fit it belongs to
(its parameters, and a fingerprint of the data), so that a folder never continues another fit.
"""

import hashlib
import json
import re
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from numbers import Integral, Real
from os import PathLike
from pathlib import Path

import numpy as np

from ._contents import build_checkpoint, describe_checkpoint, encode
from ._core.archive import FormatError, format_errors, read_archive, write_archive
from ._core.atomic import TEMPORARY
from ._core.validation import callers_level

__all__ = ["Checkpoint"]

KIND = "checkpoint"
_NAME = re.compile(r"checkpoint-(\d{12})\.npz", re.ASCII)

#: Seconds after which a temporary file in the folder is what a killed process has left behind.
ABANDONED = 600.0


@dataclass(frozen=True)
class Checkpoint:
    """Where and how often a long fit saves its state.

    Parameters
    ----------
    path : str or path-like
        Folder of the fit, of its own; it is made if it is missing, its parent is not.
    every_seconds : float, default=60
        Time between two checkpoints, >= 0; 0 saves after each update. A state of K atoms with F features takes
        ``K (K + 2 F)`` numbers: 0.2 GB for K = 4096, F = 1024 in float64, which a disk writes in about a second.
    keep : int, default=2
        Checkpoints that stay in the folder, >= 1. With 2, a file that is damaged later costs `every_seconds` only.

    Raises
    ------
    TypeError, ValueError
        For values that are not of these kinds.

    See Also
    --------
    SparseCoder.fit_blocks

    Notes
    -----
    The same call with the same folder goes on from the newest checkpoint that can be read. Where parameters differ, it
    raises, and where the data can be seen to: by the number of blocks, the first and the last block, and rows at equal
    distances of an array, or the chunks of a Dask array. Other changes of the data go unseen, and so do other blocks of
    an iterator, but for the first and their number.
    The files can be read by `sparsecode.load`, which gives the encoder as it was then, to look
    at its atoms while they are being learned. One process at a time may use a folder; other files in it are left alone.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from sparsecode import Checkpoint, SparseCoder
    >>> X = np.random.default_rng(0).standard_normal((200, 16))
    >>> coder = SparseCoder(8, batch_size=50, max_iter=2, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     checkpoint = Checkpoint(os.path.join(folder, "fit"))
    ...     first = coder.fit_blocks(X, checkpoint=checkpoint).components_
    ...     again = coder.fit_blocks(X, checkpoint=checkpoint).components_  # read from the folder
    >>> bool((first == again).all())
    True
    """

    path: str | PathLike
    every_seconds: float = 60.0
    keep: int = 2

    def __post_init__(self):
        if not isinstance(self.path, str | PathLike):
            raise TypeError(f"`path` must be the path of a folder, got {self.path!r:.100}.")
        if not isinstance(self.every_seconds, Real) or not 0 <= self.every_seconds < float("inf"):
            raise ValueError(f"`every_seconds` must be a number >= 0, got {self.every_seconds!r:.100}.")
        if not isinstance(self.keep, Integral) or isinstance(self.keep, bool) or self.keep < 1:
            raise ValueError(f"`keep` must be an int >= 1, got {self.keep!r:.100}.")


def fingerprint(value):
    """Return words for a parameter, or for rows of data, that differ where they differ."""
    arrays = {}
    text = json.dumps(encode(value, "value", arrays))
    if not arrays and len(text) <= 100:
        return text
    digest = hashlib.sha256(text.encode())
    for array in arrays.values():
        digest.update(f"{array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    is_array = isinstance(value, np.ndarray)
    kind = f"{value.dtype} array of shape {value.shape}" if is_array else type(value).__name__
    return f"{kind}, sha256 {digest.hexdigest()[:16]}"


class CheckpointFolder:
    """The checkpoints of one fit.

    Parameters
    ----------
    checkpoint : Checkpoint
    identity : dict of str to str
        What a fit depends on, in words that differ where it does: parameters, and a fingerprint of the data.
    """

    def __init__(self, checkpoint, identity):
        self.folder = Path(checkpoint.path)
        self.every_seconds = checkpoint.every_seconds
        self.keep = int(checkpoint.keep)
        self.identity = identity
        self._saved_at = time.monotonic()

    def load(self):
        """Return encoder and progress of the newest valid checkpoint, None if there is none; make the folder.

        Raises
        ------
        ValueError
            If the checkpoint belongs to another fit.
        FormatError
            If there are checkpoints, and none can be read.
        OSError
            If the folder cannot be made or read.
        """
        self.folder.mkdir(exist_ok=True)
        damaged = []
        for _, path in sorted(self._files().items(), reverse=True):
            try:
                header, arrays = read_archive(path, KIND)
                with format_errors(path):
                    encoder, identity, progress = build_checkpoint(header, arrays)
            except FormatError as error:
                damaged.append(str(error))
                continue
            if damaged:
                told = f"{'; '.join(damaged)}. The fit goes on from the checkpoint before, {path.name}."
                warnings.warn(told, UserWarning, stacklevel=callers_level())
            self._check_identity(identity)
            return encoder, progress
        if damaged:
            raise FormatError(f"{'; '.join(damaged)}. There is no other checkpoint; delete the folder to start anew.")
        return None

    @property
    def is_due(self):
        """Whether `every_seconds` have passed since the last checkpoint was saved."""
        return time.monotonic() - self._saved_at >= self.every_seconds

    def save(self, step, encoder, progress):
        """Save a checkpoint, then delete those that are older than the last `keep`.

        Parameters
        ----------
        step : int
            Number of the checkpoint, larger than that of any before.
        encoder : fitted Encoder
            As of now.
        progress : dict
            What the fit needs to go on, beyond the state of the encoder: values as parameters of an encoder may be.
        """
        header, arrays = describe_checkpoint(encoder, self.identity, progress)
        try:
            write_archive(self.folder / f"checkpoint-{step:012d}.npz", KIND, header, arrays)
        except OSError as error:
            error.add_note(f"The fit can go on from what {self.folder} holds: make room there and call it again.")
            raise
        self._saved_at = time.monotonic()
        files = self._files()
        # Later ones could not be read, or the fit would have gone on from there
        kept = sorted(number for number in files if number <= step)[-self.keep :]
        for number in files.keys() - kept:
            files[number].unlink(missing_ok=True)
        self._remove_abandoned()

    def _files(self):
        """Return the paths of all checkpoints by their number."""
        matches = ((path, _NAME.fullmatch(path.name)) for path in self.folder.iterdir())
        return {int(match[1]): path for path, match in matches if match}

    def _check_identity(self, saved):
        names = [name for name in {**saved, **self.identity} if saved.get(name) != self.identity.get(name)]
        if names:
            missing = "not there"
            differences = (
                f"{name} was {saved.get(name, missing)}, is {self.identity.get(name, missing)}" for name in names
            )
            raise ValueError(
                f"{self.folder} holds checkpoints of another fit: {'; '.join(differences)}. Give the parameters and "
                "the data of that fit to go on with it, or another folder to start anew."
            )

    def _remove_abandoned(self):
        for path in self.folder.glob(TEMPORARY.format("*")):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > ABANDONED:
                    path.unlink()
