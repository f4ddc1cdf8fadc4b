"""``python -m sparsecode v1``: receptive fields of V1 from natural images, from file to figure."""

import contextlib
import time
from pathlib import Path

HELP = "learn receptive fields from natural images; print a table, write two figures and the dictionary"

N_PATCHES = 120_000
N_HELD_OUT = 10_000

#: Held-out patches come from this share of every image, at its right side. Whitening sees whole images, but
#: its filter reaches a few pixels only: training patches keep a distance of one patch.
HELD_OUT = 0.2

FVU = 0.3


def add_arguments(parser):
    """Declare the options."""
    parser.add_argument("--images", metavar="DIR", help="folder of images (default: photographs bundled with "
                        "scikit-image and scikit-learn)")  # fmt: skip
    parser.add_argument("--n-components", type=int, default=144, help="number of atoms (default: %(default)s)")
    parser.add_argument("--patch-size", type=int, default=12, help="side of a patch in pixels (default: %(default)s)")
    parser.add_argument("--alpha", type=float, default=0.5, help="weight of the l1 penalty, for whitened images of "
                        "variance 0.1 (default: %(default)s)")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="seed of patches and atoms (default: %(default)s)")
    parser.add_argument("--output", default="v1", metavar="DIR", help="folder for the results (default: %(default)s)")


def run(options):
    """Run all stages and report."""
    check_options(options)
    output = Path(options.output)
    output.mkdir(parents=True, exist_ok=True)
    clock = Stages()
    with clock.stage("import"):
        from .. import SparseCoder
        from ..receptive_fields import fit_gabor
    with clock.stage("images and whitening"):
        train, held_out = load_images(options.images, options.patch_size)
    with clock.stage("patches"):
        X = cut_patches(train, options.patch_size, N_PATCHES, options.seed)
        X_test = cut_patches(held_out, options.patch_size, N_HELD_OUT, options.seed + 1)
    size = options.patch_size
    print(f"{len(X)} patches of {size} x {size} pixels from {len(train)} images", flush=True)
    with clock.stage("learning"):
        coder = SparseCoder(
            options.n_components, alpha=options.alpha, n_jobs=-1, random_state=options.seed, verbose=1
        ).fit(X)
    with clock.stage("encoding"):
        codes = coder.transform(X_test)
    with clock.stage("Gabor fits"):
        fit = fit_gabor(coder.components_, shape=(size, size), n_jobs=-1)
    with clock.stage("figures and file"):
        results = summarise(coder, X_test, codes, fit)
        write_figures(output, coder.components_, fit, options.patch_size)
        write_dictionary(output / "dictionary.npz", coder, fit, options, results)
    print_table(results, clock)
    print(f"figures and dictionary are in {output.resolve()}")


def check_options(options):
    """Raise for options that would fail after the work is done."""
    if options.patch_size < 3:
        raise ValueError(f"--patch-size must be at least 3 pixels, got {options.patch_size}.")
    if options.n_components < 1:
        raise ValueError(f"--n-components must be at least 1, got {options.n_components}.")
    if not 0 < options.alpha < float("inf"):
        raise ValueError(f"--alpha must be a positive finite number, got {options.alpha}.")
    if Path(options.output).exists() and not Path(options.output).is_dir():
        raise ValueError(f"--output must be a folder, but {options.output} is a file.")


def load_images(folder, patch_size):
    """Return training and held-out parts of the whitened images."""
    from .. import Whitener
    from ..datasets import natural_images

    images = natural_images(folder)
    least = round(patch_size / HELD_OUT)
    for number, image in enumerate(images, 1):
        if image.shape[0] < patch_size or image.shape[1] < least + 1:
            raise ValueError(
                f"image {number} has {image.shape[0]} x {image.shape[1]} pixels, but --patch-size {patch_size} takes "
                f"{patch_size} x {least + 1} at least, since a fifth of the width is held out; lower --patch-size."
            )
    images = Whitener().fit_transform(images)
    cuts = [round(image.shape[1] * (1 - HELD_OUT)) for image in images]
    train = [image[:, : cut - patch_size] for image, cut in zip(images, cuts, strict=True)]
    return train, [image[:, cut:] for image, cut in zip(images, cuts, strict=True)]


def cut_patches(images, size, most, seed):
    """Return up to `most` random patches without their means."""
    from .. import PatchExtractor

    available = sum(max(0, h - size + 1) * max(0, w - size + 1) for h, w in (image.shape for image in images))
    n_patches = min(most, max(available, 1))
    return PatchExtractor(size, n_patches=n_patches, center=True, random_state=seed).fit_transform(images)


def summarise(coder, X, codes, fit):
    """Return the table as a dict; errors are pooled over the held-out patches."""
    from ..metrics import active_fraction, relative_error
    from ..receptive_fields import orientation_coverage

    return {
        "atoms": len(codes.T),
        "epochs of learning": coder.n_iter_,
        "active fraction": active_fraction(codes),
        "relative error, pooled": relative_error(X, coder.inverse_transform(codes)),
        f"share of atoms with Gabor FVU < {FVU}": float((fit.fvu < FVU).mean()),
        "orientation bins covered, of 8": int(orientation_coverage(fit, n_bins=8, fvu=FVU)),
        "dead atoms": int((~codes.any(axis=0)).sum()),
    }


def write_figures(output, atoms, fit, patch_size):
    """Write the mosaic (best Gabor fits first) and the orientation-frequency figure."""
    from matplotlib.figure import Figure

    from .. import plot

    figure = Figure(figsize=(7, 7), layout="constrained")
    plot.mosaic(atoms[fit.fvu.argsort(kind="stable")], (patch_size, patch_size), ax=figure.subplots())
    figure.savefig(output / "receptive_fields.png", dpi=150)
    figure = Figure(figsize=(8, 6), layout="constrained")
    plot.orientation_frequency(fit, threshold=FVU, ax=figure.subplots(subplot_kw={"projection": "polar"}))
    figure.savefig(output / "orientation_frequency.png", dpi=150)


def write_dictionary(path, coder, fit, options, results):
    """Write atoms with their Gabor parameters as coords and how they came about as attrs; see `Dictionary.load`."""
    from .. import Dictionary, __version__

    about = {
        "sparsecode": __version__,
        "images": options.images or "bundled photographs",
        "patch_size": options.patch_size,
        "alpha": coder.alpha_,
        "seed": options.seed,
    }
    Dictionary.from_array(
        coder.components_,
        shape=(options.patch_size, options.patch_size),
        coords=fit._asdict() | {"orientation": fit.orientation},
        attrs=about | results,
    ).save(path)


def print_table(results, clock):
    """Print results and seconds by stage."""
    for name, value in results.items():
        print(f"{name:<36} {value:>9.4f}" if isinstance(value, float) else f"{name:<36} {value:>9d}")
    for name, seconds in [*clock.seconds.items(), ("all", sum(clock.seconds.values()))]:
        print(f"{'seconds, ' + name:<36} {seconds:>9.2f}")


class Stages:
    """Seconds by stage."""

    def __init__(self):
        self.seconds = {}

    @contextlib.contextmanager
    def stage(self, name):
        """Time the block."""
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started
