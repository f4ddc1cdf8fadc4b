"""Archives: one file with a header and named arrays, that is read without ever running code from it.

An archive is a zip file without compression: `header.json` first, then one ``<name>.npy`` for each array, so
that ``numpy.load(path)[name]`` reads the arrays too. Nothing in it is executable: no pickles, no import paths.
Since members are stored as they are, no file can claim more memory than it has bytes. Whatever is not exactly
as it was written is refused with a `FormatError`.
"""

import contextlib
import datetime
import errno
import json
import os
import platform
import re
import struct
import zipfile
import zlib

import numpy as np

from .atomic import replace_file

#: Version of the layout. A reader takes all versions up to its own.
VERSION = 1

MAX_MEMBERS = 256
MAX_HEADER_BYTES = 2**20

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_DTYPES = frozenset({"|b1", "|i1", "|u1", "<i2", "<i4", "<i8", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8"})
_KEYS = {"version": int, "kind": str, "class": str, "params": dict, "scalars": dict, "arrays": dict, "writer": dict,
         "created": str}  # fmt: skip
_NPY_MAGIC = b"\x93NUMPY\x01\x00"

#: What the standard library and NumPy raise for damaged bytes.
_DAMAGE = (ValueError, TypeError, LookupError, ArithmeticError, EOFError, RuntimeError, struct.error, zlib.error,
           zipfile.BadZipFile)  # fmt: skip


class FormatError(ValueError):
    """A file is damaged, comes from elsewhere, or was written by a later version.

    Nothing has been executed or changed when it is raised. Files that cannot be opened at all raise `OSError`.

    Examples
    --------
    >>> import os, tempfile
    >>> from sparsecode import Dictionary, FormatError
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "notes.txt")
    ...     with open(path, "w") as file:
    ...         _ = file.write("not a dictionary")
    ...     try:
    ...         Dictionary.load(path)
    ...     except FormatError as error:
    ...         print(os.path.relpath(str(error), folder))
    notes.txt: cannot be read as a file of sparsecode: File is not a zip file
    """


@contextlib.contextmanager
def format_errors(path):
    """Turn every error that damaged contents can cause into a `FormatError` that names `path`."""
    try:
        yield
    except FormatError as error:
        raise FormatError(f"{os.fspath(path)}: {error}") from error.__cause__
    except _DAMAGE as error:
        raise FormatError(f"{os.fspath(path)}: cannot be read as a file of sparsecode: {error!s:.500}") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # a place before the start of the file; all else is the disk's fault
            raise
        raise FormatError(f"{os.fspath(path)}: its table of contents is damaged.") from error


def write_archive(path, kind, header, arrays):
    """Write an archive in one step: after a crash the old or the new file is there.

    Parameters
    ----------
    path : str or path-like
    kind : str
        What the archive holds, such as "dictionary".
    header : dict
        "class" (str), "params" and "scalars" (dicts of JSON values).
    arrays : dict of str to ndarray
        Booleans, integers and floats of up to 64 bits.

    Raises
    ------
    ValueError
        For a name, dtype or value that an archive cannot hold.
    OSError
        If the file cannot be written.
    """
    members = {name: _npy_parts(name, array) for name, array in arrays.items()}
    if len(members) >= MAX_MEMBERS:
        raise ValueError(f"an archive holds fewer than {MAX_MEMBERS} arrays, got {len(members)}.")
    header = {
        "format": "sparsecode",
        "version": VERSION,
        "kind": kind,
        **header,
        "arrays": {
            name: {"dtype": data.dtype.str, "shape": data.shape, "nbytes": data.nbytes, "crc32": crc}
            for name, (_, data, crc) in members.items()
        },
        "writer": _writer(),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
    text = json.dumps(header, allow_nan=False).encode()
    if len(text) > MAX_HEADER_BYTES:
        raise ValueError(
            f"names, strings and scalars take {len(text)} bytes, but an archive has room for {MAX_HEADER_BYTES}; "
            "keep long tables as numbers in arrays."
        )
    with replace_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("header.json"), text)
        for name, (prefix, data, _) in members.items():
            info = zipfile.ZipInfo(f"{name}.npy")
            info.file_size = len(prefix) + data.nbytes  # decides on 64-bit sizes
            with archive.open(info, "w") as member:
                member.write(prefix)
                member.write(data.reshape(-1).view(np.uint8))


def read_archive(path, kind=None):
    """Return header and arrays of an archive; `kind` refuses archives of another kind.

    Returns
    -------
    header : dict
    arrays : dict of str to ndarray
        Their memory cannot be written.

    Raises
    ------
    FormatError
        If the file is not exactly what `write_archive` has written.
    OSError
        If the file cannot be read.
    """
    with open(path, "rb") as file, format_errors(path), zipfile.ZipFile(file) as archive:
        header, members = _read_header(archive, os.fstat(file.fileno()).st_size, kind)
        return header, {name: _read_array(archive, members[name], entry) for name, entry in header["arrays"].items()}


def read_header(path):
    """Return the header of an archive; arrays are not read. Raises as `read_archive` does."""
    with open(path, "rb") as file, format_errors(path), zipfile.ZipFile(file) as archive:
        return _read_header(archive, os.fstat(file.fileno()).st_size, None)[0]


def _npy_parts(name, array):
    """Return the head of the .npy member, its data (C order, little-endian) and the crc32 of both."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name an array: up to 64 letters, digits and underscores can.")
    array = np.asarray(array)
    data = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    if data.dtype.str not in _DTYPES:
        raise ValueError(
            f"`{name}` has dtype {array.dtype}; an archive holds booleans, integers and floats up to 64 bits."
        )
    text = _npy_text(data.dtype.str, data.shape).encode()
    text += b" " * (-(len(_NPY_MAGIC) + 2 + len(text) + 1) % 64) + b"\n"
    prefix = _NPY_MAGIC + struct.pack("<H", len(text)) + text
    return prefix, data, zlib.crc32(data.reshape(-1).view(np.uint8), zlib.crc32(prefix))


def _npy_text(descr, shape):
    return f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {tuple(shape)}, }}"


def _writer():
    return {
        "sparsecode": _own_version(),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def _own_version():
    from .. import __version__

    return __version__


def _read_header(archive, n_bytes, kind):
    """Return the header and the members by name, after all checks that need no array."""
    members = _check_members(archive.infolist(), n_bytes)
    text = archive.read("header.json").decode()
    header = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_keys)
    if not isinstance(header, dict) or header.get("format") != "sparsecode":
        raise FormatError("not a file of sparsecode: its header does not say so.")
    _check_version(header)
    for key, expected in _KEYS.items():
        if type(header.get(key)) is not expected:
            raise FormatError(f"the header needs `{key}` of type {expected.__name__}, got {header.get(key)!r:.60}.")
    foreign = [key for key in header if key not in _KEYS and key != "format" and not key.startswith("x_")]
    if foreign:
        raise FormatError(f"the header has keys that this version does not know: {foreign!r:.100}.")
    if kind not in (None, header["kind"]):
        raise FormatError(f"holds {header['kind']!r:.60} ({header['class']:.60}), not {kind!r}; see sparsecode.load.")
    if members.keys() != header["arrays"].keys():
        raise FormatError("the arrays in the file are not those that its header lists.")
    for name, entry in header["arrays"].items():
        _check_entry(name, entry, members[name])
    return header, members


def _check_members(infos, n_bytes):
    """Return the members that hold arrays, by name; the first member must be the header."""
    if not infos or infos[0].filename != "header.json":
        raise FormatError("not a file of sparsecode: `header.json` is not its first member.")
    if len(infos) > MAX_MEMBERS:
        raise FormatError(f"has {len(infos)} members, more than {MAX_MEMBERS}.")
    if infos[0].file_size > MAX_HEADER_BYTES:
        raise FormatError(f"the header has {infos[0].file_size} bytes, more than {MAX_HEADER_BYTES}.")
    members = {}
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 or info.compress_size != info.file_size:
            raise FormatError(f"member {info.filename!r:.80} is compressed or encrypted.")
    for info in infos[1:]:
        name, dot, suffix = info.filename.rpartition(".")
        if not (dot and suffix == "npy" and _NAME.fullmatch(name)) or name in members:
            raise FormatError(f"member {info.filename!r:.80} has no place in it.")
        members[name] = info
    if sum(info.file_size for info in infos) > n_bytes:
        raise FormatError("its members claim more bytes than the file has.")
    return members


def _check_version(header):
    version = header.get("version")
    if type(version) is not int or version < 1:
        raise FormatError(f"file format {version!r:.20} does not exist; the oldest one is 1.")
    if version > VERSION:
        writer = header.get("writer")
        writer = writer.get("sparsecode", "?") if isinstance(writer, dict) else "?"
        raise FormatError(
            f"was written by sparsecode {writer!s:.20} (file format {version}); this is sparsecode {_own_version()}, "
            f"which reads formats up to {VERSION}: upgrade sparsecode."
        )


def _check_entry(name, entry, info):
    """Check the header's line about an array: dtype, shape and sizes."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "nbytes", "crc32"}:
        raise FormatError(f"the header's entry of array {name!r} is not understood.")
    shape = entry["shape"]
    if entry["dtype"] not in _DTYPES or not isinstance(shape, list) or len(shape) > 32:
        raise FormatError(f"array {name!r} has a dtype or a shape that is not allowed.")
    if not all(type(side) is int and 0 <= side < 2**48 for side in shape):
        raise FormatError(f"array {name!r} has a shape that is not allowed.")
    n_bytes = np.dtype(entry["dtype"]).itemsize
    for side in shape:
        n_bytes *= side
    if type(entry["nbytes"]) is not int or entry["nbytes"] != n_bytes or n_bytes > info.file_size:
        raise FormatError(f"the sizes of array {name!r} do not agree with each other.")
    if type(entry["crc32"]) is not int or entry["crc32"] != info.CRC:
        raise FormatError(f"array {name!r} has another checksum than its header says.")


def _read_array(archive, info, entry):
    """Return an array as the header describes it. The checksum is compared by `zipfile` while it reads."""
    data = archive.read(info)
    expected = _npy_text(entry["dtype"], entry["shape"]).encode()
    start = len(data) - entry["nbytes"]
    head = data[:start]
    if head[:8] != _NPY_MAGIC or head[8:10] != struct.pack("<H", start - 10) or head[10:].rstrip(b" \n") != expected:
        raise FormatError(f"array {info.filename!r} is not of the dtype and shape that the header says.")
    array = np.frombuffer(data, entry["dtype"], offset=start).reshape(entry["shape"])
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _refuse_constant(text):
    raise FormatError(f"the header holds {text}, which is not JSON.")


def _unique_keys(pairs):
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise FormatError("a key occurs twice in the header.")
    return mapping
