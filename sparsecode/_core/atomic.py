"""Files that are replaced as a whole: after a crash the old or the new one is there, never a mixture."""

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

#: Name of a file while it is being written.
TEMPORARY = ".sparsecode-{}.tmp"


@contextlib.contextmanager
def replace_file(path):
    """Give a binary file to write; when the block ends, it becomes `path` in one step.

    The bytes go to a temporary file in the same folder and reach the disk before the name changes hands. If the
    block raises anything, the temporary file is removed and `path` stays as it was. Programs that have the old
    file open or mapped keep the old contents. The new file has the permissions of the old one.

    Raises
    ------
    OSError
        If `path` is a folder, a symbolic link or write-protected, its folder is missing or read-only, or the
        disk is full.
    """
    path = Path(path)
    mode = _mode_of_target(path)
    temporary = path.with_name(TEMPORARY.format(secrets.token_hex(8)))
    try:
        file = open(temporary, "xb")  # noqa: SIM115  (closed below, before the name changes hands)
    except OSError as error:
        reason = f"cannot write into the folder: {os.strerror(error.errno)}"
        raise OSError(error.errno, reason, str(path.parent)) from None
    try:
        with file:
            if mode is not None:
                os.chmod(temporary, mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)  # a full disk, say, does not know what it was asked to hold
        raise


def _mode_of_target(path):
    """Return the permissions of the file to be replaced, None if there is none, or refuse the target."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(mode):
        reason = "is a symbolic link, which saving would replace; give the path of the file that it points to"
        raise OSError(errno.ELOOP, reason, str(path))
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder; give the path of a file", str(path))
    if not os.access(path, os.W_OK):  # the folder alone would allow it, but not the owner of the file
        raise PermissionError(errno.EACCES, "is write-protected; give another path", str(path))
    return stat.S_IMODE(mode)


def _sync_folder(folder):
    """Let the new name survive a power cut, where folders can be opened (not on Windows)."""
    if os.name != "posix":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return  # a folder may be open to writing and closed to reading
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
