"""
Learning that is interrupted, and goes on
=========================================

A long fit should survive a power cut. `SparseCoder.fit_blocks` learns from blocks of patches as they come, from a disk
or, as here, from a generator, and with a `Checkpoint` it saves its state on the way. Here the source fails after a
third of the blocks, and the last file that was saved loses its end. The same call, with the same folder, then goes on
from the last file that can be read.

The number to look at: the largest difference of atoms to those of a fit that nobody interrupted. It is 0, the same
bits, while the atoms of the interruption are still 0.4 away from those of the end (mean distance; each has norm 1).
"""

import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import Checkpoint, FormatError, PatchExtractor, SparseCoder, Whitener, load
from sparsecode.datasets import natural_images
from sparsecode.plot import mosaic

N_BLOCKS, FAILS_AT = 60, 20

images = Whitener().fit_transform(natural_images())
patches = PatchExtractor(8, n_patches=12_000, center=True, random_state=0).fit_transform(images)
coder = SparseCoder(64, max_iter=1, random_state=0, input_shape=(8, 8))


def blocks(fails_at=None):
    """Yield blocks of patches; the source may fail."""
    for number, block in enumerate(np.split(patches, N_BLOCKS)):
        if number == fails_at:
            raise OSError("the disk is gone")
        yield block


# %%
# Five blocks are one update, and each update is saved.
whole = coder.fit_blocks(blocks(), blocks_per_update=5).components_.copy()
with tempfile.TemporaryDirectory() as folder:
    checkpoint = Checkpoint(Path(folder, "fit"), every_seconds=0)
    try:
        coder.fit_blocks(blocks(FAILS_AT), blocks_per_update=5, checkpoint=checkpoint)
    except OSError as error:
        print(f"interrupted: {error}")
    before, newest = sorted(Path(folder, "fit").glob("*.npz"))
    seen = load(newest)  # an encoder like any other, as it was then
    halfway = seen.dictionary_
    newest.write_bytes(newest.read_bytes()[:-1000])  # and now its end is lost
    try:
        load(newest)
    except FormatError as error:
        print(f"damaged: {type(error).__name__}, {newest.name} is not used")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        coder.fit_blocks(blocks(), blocks_per_update=5, checkpoint=checkpoint)
    print(f"went on from {before.name}, with {len(told)} warning")
print(f"largest difference of atoms: {np.abs(coder.components_ - whole).max():g}")
moved = np.sqrt(np.square(halfway.matrix - whole).sum(axis=1)).mean()
print(f"mean distance of the atoms of the interruption to the last ones: {moved:.2f}")

# %%
figure, axes = plt.subplots(1, 2, figsize=(8, 4.4), layout="constrained")
for ax, (name, atoms) in zip(
    axes, {"when the source failed": halfway, "in the end, by both ways": coder.dictionary_}.items(), strict=True
):
    mosaic(atoms, ax=ax)
    ax.set_title(name, fontsize=11)
figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_resumed_learning.png", dpi=120)
