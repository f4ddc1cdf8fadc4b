"""Archives: what is written is read bit for bit, and anything else is refused."""

import errno
import io
import json
import os
import struct
import zipfile
import zlib

import numpy as np
import pytest

from sparsecode import FormatError
from sparsecode._core.archive import read_archive, read_header, write_archive

pytestmark = pytest.mark.nojit

HEADER = {"class": "Toy", "params": {"a": 1}, "scalars": {}}
ARRAYS = {"x": np.arange(3, dtype=np.float32), "y": np.array([[True], [False]])}


@pytest.fixture
def path(tmp_path):
    """An archive."""
    write_archive(tmp_path / "a.npz", "toy", HEADER, ARRAYS)
    return tmp_path / "a.npz"


def same(header, arrays):
    """Tell whether these are the contents that were written."""
    return (
        {key: header[key] for key in HEADER} == HEADER
        and arrays.keys() == ARRAYS.keys()
        and all(
            arrays[name].dtype == ARRAYS[name].dtype and np.array_equal(arrays[name], ARRAYS[name]) for name in arrays
        )
    )


# What is written is read, bit for bit

SPECIAL = [np.nan, -np.nan, np.inf, -np.inf, -0.0, 5e-324, 1e-310, 1.7e308]


@pytest.mark.parametrize(
    "array",
    [
        np.array(SPECIAL),
        np.array(SPECIAL, dtype=np.float64).astype(">f8"),
        np.array([1e-45, np.nan, -0.0], dtype=np.float32),
        np.array([6e-8, -0.0], dtype=np.float16),
        *(np.array([0, 1, 2**7 - 1], dtype=kind) for kind in ("i1", "u1", "i2", "u2", "i4", "u4", ">i8", "u8")),
        np.array([True, False]),
        np.zeros((2, 0, 3)),
        np.array(2.5),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(12.0).reshape(3, 4)[::-1, ::2],
        np.broadcast_to(np.float32(3), (2, 2)),
    ],
    ids=lambda array: f"{array.dtype.str} {array.shape}",
)
def test_round_trip(array, tmp_path):
    write_archive(tmp_path / "a", "toy", HEADER, {"x": array})
    read = read_archive(tmp_path / "a")[1]["x"]
    native = array.astype(array.dtype.newbyteorder("="))
    assert (read.dtype, read.shape, read.tobytes()) == (native.dtype, native.shape, native.tobytes())
    assert not read.flags.writeable
    with pytest.raises(ValueError, match="WRITEABLE"):
        read.flags.writeable = True
    np.testing.assert_array_equal(np.load(tmp_path / "a")["x"], array)


def test_header(path):
    header, arrays = read_archive(path, "toy")
    assert same(header, arrays)
    assert read_header(path) == header
    assert (header["format"], header["version"], header["kind"]) == ("sparsecode", 1, "toy")
    assert header["writer"]["numpy"] == np.__version__
    assert header["created"].endswith("+00:00")
    assert header["arrays"]["x"]["dtype"] == "<f4"
    with zipfile.ZipFile(path) as file:
        assert file.namelist() == ["header.json", "x.npy", "y.npy"]


def test_the_header_is_read_without_the_arrays(path):
    data = bytearray(path.read_bytes())
    start = data.index(ARRAYS["x"].tobytes())
    data[start] ^= 1
    path.write_bytes(data)
    assert read_header(path)["class"] == "Toy"
    with pytest.raises(FormatError, match="CRC"):
        read_archive(path)


def test_a_large_array_has_64_bit_sizes(tmp_path, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    write_archive(tmp_path / "a", "toy", HEADER, {"x": np.arange(1000.0)})
    assert read_archive(tmp_path / "a")[1]["x"][-1] == 999


@pytest.mark.parametrize(
    ("header", "arrays", "message"),
    [
        (HEADER, {"x": np.array([1j])}, "`x` has dtype complex128; an archive holds"),
        (HEADER, {"x": np.array([object()])}, "`x` has dtype object"),
        (HEADER, {"x": np.array(["a"])}, "`x` has dtype <U1"),
        (HEADER, {"x": np.zeros(2, dtype=[("a", "f8")])}, "`x` has dtype"),
        (HEADER, {"../x": np.zeros(2)}, "'../x' cannot name an array"),
        (HEADER, {"x\n": np.zeros(2)}, "cannot name an array"),
        (HEADER, {"x" * 65: np.zeros(2)}, "cannot name an array"),
        (HEADER, {f"x{i}": np.zeros(1) for i in range(256)}, "fewer than 256 arrays, got 256"),
        (HEADER | {"params": {"a": "b" * 2**20}}, {}, "has room for 1048576"),
        (HEADER | {"params": {"a": np.nan}}, {}, "not JSON compliant"),
    ],
)
def test_what_cannot_be_held_is_refused(header, arrays, message, path, tmp_path):
    before = path.read_bytes()
    with pytest.raises(ValueError, match=message):
        write_archive(path, "toy", header, arrays)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


# Damaged files


def outcome(path):
    """Return "same", "refused", or what else happens."""
    try:
        return "same" if same(*read_archive(path)) else "other contents"
    except FormatError as error:
        return "refused" if str(error).startswith(str(path)) else f"refused without its name: {error}"


def test_every_truncation_is_refused(path):
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        assert outcome(path) == "refused", length


def test_every_flipped_bit_is_harmless_or_refused(path):
    data = bytearray(path.read_bytes())
    seen = []
    for place in range(len(data)):
        for bit in range(8):
            data[place] ^= 1 << bit
            path.write_bytes(data)
            seen.append(outcome(path))
            data[place] ^= 1 << bit
    assert set(seen) == {"same", "refused"}
    assert seen.count("refused") > 0.8 * len(seen)  # the rest are time stamps, permissions and unused flags


def test_random_edits_are_harmless_or_refused(path, rng):
    data = path.read_bytes()
    for _ in range(2000):
        edited = bytearray(data)
        start, stop = np.sort(rng.integers(len(data), size=2))
        match rng.integers(4):
            case 0:
                edited[start:stop] = b""
            case 1:
                edited[start:start] = data[start:stop]
            case 2:
                edited[start : start + 8] = rng.bytes(8)
            case 3:
                edited[start : start + 4] = struct.pack("<I", rng.choice([0, 1, 2**16, 2**31, 2**32 - 1]))
        path.write_bytes(edited)
        assert outcome(path) in ("same", "refused")


# Files from elsewhere


def zipped(members, compression=zipfile.ZIP_STORED):
    """Return a zip file of (name, bytes) pairs."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, data in members:
            file.writestr(name, data)
    return buffer.getvalue()


def npy(array, **options):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **options)
    return buffer.getvalue()


def archive_bytes(change=None, members=None, text=None):
    """Return an archive of one array whose header went through `change`; everything is signed anew."""
    data = npy(np.arange(3.0))
    entry = {"dtype": "<f8", "shape": [3], "nbytes": 24, "crc32": zlib.crc32(data)}
    header = {"format": "sparsecode", "version": 1, "kind": "toy", "class": "Toy", "params": {}, "scalars": {}}
    header |= {"arrays": {"x": entry}, "writer": {"sparsecode": "9.9"}, "created": ""}
    if change:
        change(header)
    text = json.dumps(header) if text is None else text
    return zipped([("header.json", text), *([("x.npy", data)] if members is None else members)])


def test_the_helper_makes_a_whole_archive(tmp_path):
    (tmp_path / "a").write_bytes(archive_bytes(lambda header: header.update(x_note="kept")))
    header, arrays = read_archive(tmp_path / "a")
    assert header["x_note"] == "kept"
    assert arrays["x"].tolist() == [0, 1, 2]


def changed(**changes):
    return archive_bytes(lambda header: header.update(changes))


def entry(**changes):
    return archive_bytes(lambda header: header["arrays"]["x"].update(changes))


def member(data):
    """An archive whose array has these bytes, and a header that agrees with their checksum."""
    return archive_bytes(lambda h: h["arrays"]["x"].update(crc32=zlib.crc32(data)), members=[("x.npy", data)])


def overlapping():
    """Two members that are one and the same run of bytes."""
    data = bytearray(archive_bytes(members=[("x.npy", npy(np.arange(300.0))), ("y.npy", b"")]))
    central = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    second = data.index(b"PK\x01\x02", central + 1)
    data[second + 16 : second + 28] = data[central + 16 : central + 28]
    data[second + 42 : second + 46] = data[central + 42 : central + 46]
    return bytes(data)


def encrypted():
    data = bytearray(archive_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


FOREIGN = {
    "empty": (b"", "not a zip file"),
    "text": (b"atoms, 1, 2, 3", "not a zip file"),
    "npy": (npy(np.arange(3.0)), "not a zip file"),
    "npz": (zipped([("x.npy", npy(np.arange(3.0)))]), "`header.json` is not its first member"),
    "empty zip": (zipped([]), "`header.json` is not its first member"),
    "other header": (zipped([("header.json", '{"format": "safetensors"}')]), "its header does not say so"),
    "header is a list": (zipped([("header.json", "[]")]), "its header does not say so"),
    "header is no JSON": (archive_bytes(text="{"), "cannot be read"),
    "header is no UTF-8": (archive_bytes(text=b"\xff"), "cannot be read"),
    "header has NaN": (archive_bytes(text='{"format": NaN}'), "NaN, which is not JSON"),
    "header has Infinity": (archive_bytes(text='{"format": -Infinity}'), "Infinity, which is not JSON"),
    "header says it twice": (archive_bytes(text='{"format": "sparsecode", "format": "sparsecode"}'), "occurs twice"),
    "header is deep": (archive_bytes(text="[" * 100_000 + "]" * 100_000), "cannot be read"),
    "header is long": (archive_bytes(text=" " * 2**20 + "{}"), "the header has 1048578 bytes"),
    "header is not first": (zipped([("x.npy", b""), ("header.json", "{}")]), "not its first member"),
    "newer": (
        changed(version=2, news={}),
        r"written by sparsecode 9.9 \(file format 2\); this is sparsecode .*, which reads formats up to 1: upgrade",
    ),
    "newer by nobody": (changed(version=2, writer=[]), r"written by sparsecode \? \(file format 2\)"),
    "older": (changed(version=0), "file format 0 does not exist; the oldest one is 1"),
    "version is true": (changed(version=True), "file format True does not exist"),
    "version is a string": (changed(version="1"), "file format '1' does not exist"),
    "no params": (archive_bytes(lambda header: header.pop("params")), "needs `params` of type dict, got None"),
    "kind is a list": (changed(kind=[]), "needs `kind` of type str"),
    "foreign key": (changed(module="os.system"), "keys that this version does not know: .'module'"),
    "array not listed": (changed(arrays={}), "not those that its header lists"),
    "array missing": (archive_bytes(members=[]), "not those that its header lists"),
    "foreign member": (archive_bytes(members=[("x.npy", b""), ("run.py", b"")]), "'run.py' has no place"),
    "path as name": (archive_bytes(members=[("../x.npy", b"")]), "'../x.npy' has no place"),
    "newline in name": (archive_bytes(members=[("x\n.npy", b"")]), "has no place"),
    "folder": (archive_bytes(members=[("x/", b"")]), "has no place"),
    "many members": (archive_bytes(members=[(f"x{i}.npy", b"") for i in range(256)]), "257 members, more than 256"),
    "overlapping": (overlapping(), "claim more bytes|Overlap"),
    "compressed": (zipped([("header.json", "{}")], zipfile.ZIP_DEFLATED), "compressed or encrypted"),
    "encrypted": (encrypted(), "compressed or encrypted"),
    "entry is a list": (changed(arrays={"x": []}), "entry of array 'x' is not understood"),
    "entry has more keys": (entry(pickle=True), "entry of array 'x' is not understood"),
    "object array": (entry(dtype="|O"), "dtype or a shape that is not allowed"),
    "complex array": (entry(dtype="<c16"), "dtype or a shape that is not allowed"),
    "shape is a number": (entry(shape=3), "dtype or a shape that is not allowed"),
    "shape is negative": (entry(shape=[-3]), "a shape that is not allowed"),
    "shape is real": (entry(shape=[3.0]), "a shape that is not allowed"),
    "shape is true": (entry(shape=[3, True]), "a shape that is not allowed"),
    "shape is huge": (entry(shape=[2**62]), "a shape that is not allowed"),
    "shape overflows": (entry(shape=[2**40] * 5), "sizes of array 'x' do not agree"),
    "shape is larger": (entry(shape=[300], nbytes=2400), "sizes of array 'x' do not agree"),
    "bytes are others": (entry(nbytes=25), "sizes of array 'x' do not agree"),
    "checksum is another": (entry(crc32=0), "another checksum than its header says"),
    "shape is another": (entry(shape=[3, 1]), "not of the dtype and shape that the header says"),
    "dtype is another": (entry(dtype="<i8"), "not of the dtype and shape that the header says"),
    "array in columns": (member(npy(np.zeros((3, 1)).T.copy("F"))), "not of the dtype and shape"),
    "array of objects": (member(npy(np.array([{}] * 3), allow_pickle=True)), "do not agree|not of the dtype"),
    "array with 2.0 header": (member(npy(np.arange(3.0), version=(2, 0))), "not of the dtype and shape"),
    "array cut short": (member(npy(np.arange(3.0))[:-8]), "not of the dtype and shape"),
    "array with more": (member(npy(np.arange(3.0)) + b"more"), "not of the dtype and shape"),
    "bytes only": (member(bytes(200)), "not of the dtype and shape"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_files_are_refused(name, tmp_path):
    data, message = FOREIGN[name]
    (tmp_path / "foreign.npz").write_bytes(data)
    with pytest.raises(FormatError, match=message) as caught:
        read_archive(tmp_path / "foreign.npz")
    assert str(caught.value).startswith(str(tmp_path / "foreign.npz"))
    assert len(str(caught.value)) < 300 + len(str(tmp_path))


def test_duplicate_members_are_refused(tmp_path):
    data = npy(np.arange(3.0))
    with pytest.warns(UserWarning, match="Duplicate name"):
        (tmp_path / "a").write_bytes(archive_bytes(members=[("x.npy", data), ("x.npy", data)]))
    with pytest.raises(FormatError, match=r"'x.npy' has no place"):
        read_archive(tmp_path / "a")


def test_another_kind_is_refused(path):
    with pytest.raises(FormatError, match=r"holds 'toy' \(Toy\), not 'dictionary'; see sparsecode.load"):
        read_archive(path, "dictionary")


def test_the_system_s_errors_are_not_the_file_s(tmp_path, path, monkeypatch):
    with pytest.raises(FileNotFoundError):
        read_archive(tmp_path / "missing")
    with pytest.raises(IsADirectoryError):
        read_archive(tmp_path)

    def fail(*_):
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(zipfile.ZipFile, "read", fail)
    with pytest.raises(OSError, match="input/output error"):
        read_archive(path)
