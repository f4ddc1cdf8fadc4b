"""The commands: main job on small images, info, warmup, and errors that say what to do."""

import re
import sys

import numpy as np
import pytest
from skimage.io import imsave

from sparsecode import Dictionary, SparseCoder
from sparsecode.__main__ import main
from sparsecode.receptive_fields import fit_gabor


@pytest.fixture
def folder(tmp_path, whitened_images):
    """Three small photographs."""
    from sparsecode.datasets import natural_images

    for number, image in enumerate(natural_images()[:3]):
        imsave(tmp_path / f"{number}.png", (image[:150, :200] * 255).astype(np.uint8))
    return tmp_path


def test_v1_prints_a_table_and_writes_figures_and_a_dictionary_that_loads(folder, capsys):
    output = folder / "results"
    options = ["--n-components", "20", "--patch-size", "8", "--alpha", "0.6", "--seed", "1", "--output", str(output)]
    assert main(["v1", "--images", str(folder), *options]) == 0
    printed = capsys.readouterr()
    table = dict(re.findall(r"^(.+?)  +([\d.]+)$", printed.out, re.MULTILINE))
    assert table["atoms"] == "20"
    assert 0.01 < float(table["active fraction"]) < 0.3
    assert 0.05 < float(table["relative error, pooled"]) < 0.8
    assert 0 <= float(table["share of atoms with Gabor FVU < 0.3"]) <= 1
    assert {"orientation bins covered, of 8", "dead atoms", "seconds, learning", "seconds, all"} <= set(table)
    assert "objective=" in printed.err
    for figure in ("receptive_fields.png", "orientation_frequency.png"):
        assert (output / figure).read_bytes().startswith(b"\x89PNG")
        assert (output / figure).stat().st_size > 10_000
    learned = Dictionary.load(output / "dictionary.npz")
    assert learned.atoms.shape == (20, 8, 8)
    assert learned.attrs["patch_size"] == 8
    assert learned.attrs["seed"] == 1
    assert learned.attrs["atoms"] == 20
    np.testing.assert_array_equal(learned.coords["fvu"], fit_gabor(learned.atoms).fvu)
    np.testing.assert_array_equal(learned.coords["orientation"], fit_gabor(learned.atoms).orientation)
    X = np.random.default_rng(0).normal(size=(5, 64))
    assert SparseCoder(dictionary=learned, alpha=learned.attrs["alpha"]).fit(X).transform(X).shape == (5, 20)


def test_v1_is_reproducible(folder, capsys):
    atoms = []
    for run in ("a", "b"):
        options = ["--n-components", "9", "--patch-size", "6", "--output", str(folder / run)]
        assert main(["v1", "--images", str(folder), *options]) == 0
        atoms.append(np.load(folder / run / "dictionary.npz")["atoms"])
    assert np.array_equal(*atoms)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--images", "{empty}"], "folder"),
        (["--images", "{empty}/missing"], "folder"),
        (["--alpha", "0"], "--alpha must be a positive finite number, got 0"),
        (["--alpha", "nan"], "--alpha must be a positive finite number, got nan"),
        (["--n-components", "0"], "--n-components must be at least 1, got 0"),
        (["--patch-size", "2"], "--patch-size must be at least 3 pixels, got 2"),
        (["--patch-size", "100"], "but --patch-size 100 takes 100 x 501 at least"),
        (["--output", "{empty}/../0.png"], "--output must be a folder, but"),
    ],
)
def test_v1_says_what_is_wrong(options, message, tmp_path, folder, capsys):
    (folder / "empty").mkdir()
    options = [option.format(empty=folder / "empty") for option in options]
    images = [] if "--images" in options else ["--images", str(folder)]
    assert main(["v1", "--output", str(tmp_path / "out"), *images, *options]) == 2
    assert not (tmp_path / "out").exists() or "--images" in options or "--patch-size" in options
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_info(capsys):
    assert main(["info"]) == 0
    printed = capsys.readouterr().out
    python = f"Python {sys.version.split()[0]}"
    for word in ("sparsecode 0.1.0", python, "numba ", "threads", "cores", "compiled kernels"):
        assert word in printed


def test_warmup(capfd):
    assert main(["warmup"]) == 0
    assert re.search(r"\d+ kernels are ready in both precisions", capfd.readouterr().out)
    assert main(["warmup", "--verify"]) == 0
    assert re.search(r"\d+ kernels are ready in both precisions", capfd.readouterr().out)


def test_unknown_command(capsys):
    with pytest.raises(SystemExit):
        main(["v2"])
    assert "invalid choice" in capsys.readouterr().err
