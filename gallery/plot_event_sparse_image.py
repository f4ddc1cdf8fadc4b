"""
A photograph as a list of events
================================

A sparse convolutional code is a list of events: this kernel, here, so strong. Of 64 log-Gabor kernels at 256 x 256
places half a per cent or less say something. Such a code is a CSR array of few numbers; here it is written to a file
and read again, and the photograph that comes out is the same, bit for bit. What is slower than the kernels, means of
blocks of 8 x 8 pixels, is kept beside it.

The numbers to look at: the size of the file and the peak signal-to-noise ratio (PSNR) at three weights. All maps as an
array take 16.8 MB. But events are no way to store photographs: as eight bits a pixel it takes 66 kB, and JPEG needs a
fraction of that for the same PSNR. Events are for what computes with them.
"""

import io
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from scipy.sparse import load_npz, save_npz
from skimage.measure import block_reduce
from skimage.transform import resize

import sparsecode
from sparsecode import ConvSparseCoder, Dictionary
from sparsecode.datasets import natural_images
from sparsecode.metrics import active_fraction, psnr

SIDE, ALPHAS = 256, (0.1, 0.05, 0.025)

photograph = natural_images(side=SIDE)[0].astype(np.float32)
coarse = block_reduce(photograph, (8, 8), np.mean)
bank = Dictionary.log_gabor_bank(
    [10, 20], n_orientations=8, B_theta=[np.pi / 12, np.pi / 6], sf_0=[0.4, 0.2], normalization="l2"
)
settings = {"pool": None, "sparse_output": True, "input_shape": (SIDE, SIDE), "encode_tol": 1e-2, "n_jobs": 2}


def level(means):
    """Return means of blocks as an image that is as smooth as they are."""
    return resize(means, (SIDE, SIDE), order=3)


def decibels(picture):
    """Return the PSNR of a picture."""
    return psnr(photograph.reshape(1, -1), picture.reshape(1, -1), data_range=1)[0]


def jpeg_bytes(least):
    """Return how many bytes JPEG takes for a PSNR."""
    for quality in range(1, 100):
        stream = io.BytesIO()
        Image.fromarray(np.uint8(255 * photograph + 0.5)).save(stream, "jpeg", quality=quality)
        if decibels(np.asarray(Image.open(stream), np.float32) / 255) >= least:
            break
    return stream.tell()


def written_and_read(coder, codes, folder):
    """Return the size of the file of codes, and the picture that files alone give back."""
    sparsecode.save(coder, folder / "coder.npz")
    save_npz(folder / "events.npz", codes)
    np.save(folder / "means.npy", coarse)
    again = sparsecode.load(folder / "coder.npz").inverse_transform(load_npz(folder / "events.npz"))
    size = (folder / "events.npz").stat().st_size
    return size, again.reshape(SIDE, SIDE) + level(np.load(folder / "means.npy"))


figure, axes = plt.subplots(2, len(ALPHAS), figsize=(12, 8.2), layout="constrained")
for (top, bottom), alpha in zip(axes.T, ALPHAS, strict=True):
    coder = ConvSparseCoder(dictionary=bank, alpha=alpha, **settings)
    codes = coder.fit_transform((photograph - level(coarse))[None])
    picture = coder.inverse_transform(codes).reshape(SIDE, SIDE) + level(coarse)
    with tempfile.TemporaryDirectory() as folder:
        size, again = written_and_read(coder, codes, Path(folder))
    share, score = 100 * active_fraction(codes), decibels(picture)
    print(f"weight {alpha:g}: active {share:.3f} %, events {codes.nnz}, PSNR {score:.2f} dB, file {size / 1e3:.0f} kB, "
          f"the same {np.array_equal(again, picture)}, JPEG {jpeg_bytes(score) / 1e3:.1f} kB")  # fmt: skip
    top.imshow(picture, cmap="gray", vmin=0, vmax=1)
    top.set_title(f"{share:.2f} % active: {size / 1e3:.0f} kB, {score:.1f} dB")
    kernel, row, column = np.unravel_index(codes.indices, coder.code_shape_)
    # A coefficient lies at the corner of its kernel, whose box has 20 x 20 pixels
    centre = (column + 10) % SIDE, (row + 10) % SIDE
    bottom.scatter(*centre, s=0.4, c=np.rad2deg(bank.coords["theta"])[kernel], cmap="plasma", vmin=0, vmax=200)
    bottom.set(aspect="equal", xlim=(0, SIDE), ylim=(SIDE, 0), title=f"{codes.nnz} events by orientation")
    top.set_axis_off()
    bottom.set_axis_off()
figure.savefig(
    Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_event_sparse_image.png", dpi=110
)
