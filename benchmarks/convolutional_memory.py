"""Peak memory of convolutional l1 codes of one image, in stacks of maps, beside SPORCO's.

python benchmarks/convolutional_memory.py [--side 512] [--kernels 36 | 72 | 144] [--steps 5] [--peers sparsecode sporco]

A stack of maps is K side^2 numbers of 4 bytes: 151 MB for 144 kernels and 512 x 512 pixels. Each solver runs in a new
process, for a few iterations in float32 at 0.05 of the largest alpha of the first 64 x 64 pixels, since finding that of
all takes memory; what the process had taken before, with imports and the problem in memory, is subtracted.
"""

import argparse
import json
import resource
import subprocess
import sys

import numpy as np
import skimage.data
from scipy.ndimage import gaussian_filter
from skimage.transform import resize

from sparsecode import Dictionary
from sparsecode.convolutional import ConvolutionOperator, alpha_max, solve_convolutional
from sparsecode.penalties import L1

UNIT = 2**10 if sys.platform != "darwin" else 1  # bytes of ru_maxrss


def problem(side, n_kernels):
    """Return kernels and an image, float32, and a weight of 0.05 of the largest for a corner of it."""
    bank = Dictionary.log_gabor_bank(n_orientations=n_kernels // 12, normalization="l2").atoms.astype(np.float32)
    image = resize(skimage.data.camera() / 255, (side, side))
    image = (image - gaussian_filter(image, 2.5)).astype(np.float32)
    small = ConvolutionOperator(bank, (64, 64))  # the peak of a whole image would be subtracted later
    return bank, image, 0.05 * float(alpha_max(image[None, :64, :64], small, L1())[0])


def ours(bank, image, alpha, steps):
    """Code an image."""
    operator = ConvolutionOperator(bank, image.shape)
    solve_convolutional(image[None], operator, L1(alpha), solver="admm", tol=0.0, max_iter=steps, n_jobs=2)


def sporcos(bank, image, alpha, steps):
    """Code an image with SPORCO."""
    from sporco.admm import cbpdn

    options = {"MaxMainIter": steps, "RelStopTol": 0.0, "AuxVarObj": False, "DataType": np.float32}
    kernels = np.ascontiguousarray(np.moveaxis(bank, 0, -1))
    cbpdn.ConvBPDN(kernels, image, alpha, cbpdn.ConvBPDN.Options(options), dimK=0).solve()


PEERS = {"sparsecode": ours, "sporco": sporcos}


def measure(peer, side, n_kernels, steps):
    """Print the bytes that a call adds to the largest size of this process."""
    solve = PEERS[peer]
    bank, image, alpha = problem(side, n_kernels)
    solve(bank, image[:32, :32], alpha, 2)  # loads what is loaded once
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    solve(bank, image, alpha, steps)
    print(json.dumps(UNIT * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)))


def main(arguments=None):
    """Measure each solver in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=512, help="side of the image in pixels")
    parser.add_argument("--kernels", type=int, choices=[36, 72, 144], default=144)
    parser.add_argument("--steps", type=int, default=5, help="iterations")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        measure(options.peers[0], options.side, options.kernels, options.steps)
        return
    stack = 4 * options.kernels * options.side**2
    for peer in options.peers:
        settings = ["--side", options.side, "--kernels", options.kernels, "--steps", options.steps, "--peers", peer]
        command = [sys.executable, __file__, "--measure", *map(str, settings)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if run.returncode:
            print(f"{peer} is left out: {run.stderr.strip().splitlines()[-1]}")
            continue
        taken = json.loads(run.stdout.splitlines()[-1])
        print(f"{peer}: {taken / 1e6:.0f} MB, {taken / stack:.2f} stacks of maps")


if __name__ == "__main__":
    main()
