"""Checks of lab 4: convolutional codes with kernels of different shape."""

import numpy as np

from .asking import Wrong, need, need_array, need_number
from .engine import Lab

LAB = Lab(
    "lab4",
    "Convolutional codes with kernels of different shape",
    minutes=75,
    level="advanced",
    needs=["lab 1: FISTA, the Lipschitz constant, the test of optimality", "the discrete Fourier transform"],
    goals={
        "write a sum of convolutions and its adjoint, and test that they belong together": ("4.1", "4.2"),
        "find a safe step in the Fourier domain": ("4.3",),
        "code a whole image": ("4.4",),
        "give kernels of different norms the same chance": ("4.5",),
        "know when a comparison of codes is premature": ("4.6",),
    },
    packages=["convolutional.solve_convolutional", "convolutional.ConvolutionOperator", "Dictionary.log_gabor_bank"],
)


def problem(rng, n_kernels=3, side=5, shape=(12, 14)):
    """Kernels, maps and an image."""
    kernels = rng.standard_normal((n_kernels, side, side - 1))
    return kernels, rng.standard_normal((n_kernels, *shape)), rng.standard_normal(shape)


def direct(maps, kernels, sign=1):
    """Circular convolutions by shifts, one pixel of the kernels after the other; -1 shifts back."""
    total = np.zeros(maps.shape)
    for i in range(kernels.shape[1]):
        for j in range(kernels.shape[2]):
            total += kernels[:, i, j, None, None] * np.roll(maps, (sign * i, sign * j), (1, 2))
    return total


def spectrum(kernels, shape):
    return np.fft.fft2(kernels, s=shape)


@LAB.exercise(
    "4.1",
    hints=[
        "A convolution is a product in the Fourier domain. Kernels must have the size of the image first.",
        "`np.fft.fft2(kernels, s=shape)` pads with zeros; `np.fft.fft2` and `np.fft.ifft2` take the last two axes.",
        "Multiply maps and kernels, sum over kernels, transform back, and take the real part.",
    ],
    works="it is the sum of shifted kernels, whatever their number and size.",
)
def synthesize(answer, rng):
    for n_kernels in (3, 1, 4):
        kernels, maps, image = problem(rng, n_kernels)
        found = np.asarray(answer(maps, kernels))
        need(found.dtype.kind != "c", "the image is complex. What is left of the imaginary part is rounding.")
        need(
            found.shape != maps.shape or n_kernels == 1,
            "there is an image for each kernel; the code stands for their sum.",
        )
        found = need_array(found, image.shape, "the image")
        whole = direct(maps, kernels)
        need(
            not np.allclose(found, direct(maps, kernels, -1).sum(axis=0)),
            "kernels are turned round: this is a correlation.",
        )
        need(
            n_kernels == 1 or not np.allclose(found, whole.mean(axis=0)), "this is the mean over kernels, not the sum."
        )
        one = np.zeros_like(maps)
        one[0, 2, 3] = 1
        single = need_array(answer(one, kernels), image.shape, "the image")
        placed = np.zeros(image.shape)
        placed[2 : 2 + kernels.shape[1], 3 : 3 + kernels.shape[2]] = kernels[0]
        need(
            np.allclose(single, placed),
            "a single 1 at row 2 and column 3 of a map should put its kernel there, top left corner first.",
        )
        need(np.allclose(found, whole.sum(axis=0)), "the image is not the sum of all kernels, shifted and weighted.")


@LAB.exercise(
    "4.2",
    hints=[
        "The adjoint of a matrix product is the product with the transpose. What is that for one kernel, pixel "
        "by pixel?",
        "Every map entry wants to know how well its kernel fits the residual at that place.",
        "In the Fourier domain the adjoint of multiplying with a number is multiplying with its conjugate.",
    ],
    works="<D z, r> = <z, D' r> to the last digits, for random z and r.",
)
def correlate(answer, rng):
    for n_kernels in (3, 1):
        kernels, maps, image = problem(rng, n_kernels)
        found = np.asarray(answer(image, kernels))
        need(found.dtype.kind != "c", "the maps are complex. What is left of the imaginary part is rounding.")
        found = need_array(found, maps.shape, "the correlations, a map for each kernel,")
        many = np.repeat(image[None], n_kernels, axis=0)
        need(
            not np.allclose(found, direct(many, kernels)),
            "this is a convolution once more. The adjoint looks in the other direction.",
        )
        turned = direct(many, kernels[:, ::-1, ::-1])
        need(not np.allclose(found, turned), "right, but for a shift: kernels are turned round about the wrong point.")
        left = np.sum(direct(maps, kernels).sum(axis=0) * image)
        right = np.sum(maps * found)
        need(abs(left - right) < 1e-9 * max(abs(left), 1), f"<D z, r> is {left:.4f}, but <z, D' r> is {right:.4f}.")
        need(np.allclose(found, direct(many, kernels, -1)), "the maps are not the correlations of each kernel.")


@LAB.exercise(
    "4.3",
    hints=[
        "At each frequency by itself, the code is a short vector, one entry a kernel, and the image one number.",
        "The matrix that takes one to the other has a single row. What is the largest eigenvalue of its Gram matrix?",
        "Sum over kernels at each frequency, then take the worst frequency.",
    ],
    works="it is the largest eigenvalue, of all frequencies.",
)
def lipschitz(answer, rng):
    for n_kernels, shape in ((4, (11, 13)), (2, (17, 9))):
        kernels = problem(rng, n_kernels)[0]
        kernels -= kernels.mean(axis=(1, 2), keepdims=True)  # the worst frequency is not zero
        power = np.abs(spectrum(kernels, shape)) ** 2
        right = power.sum(axis=0).max()
        L = need_number(answer(kernels, shape), "the Lipschitz constant")
        for text, value in (
            ("this looks at each kernel alone. At a frequency that several of them have, they add up", power.max()),
            ("this is the square root: the gradient contains the kernels twice", np.sqrt(right)),
            ("this is the mean over frequencies. The worst one decides", power.sum(axis=0).mean()),
            (
                "this takes the worst frequency of each kernel. They need not be the same: safe, but slow",
                power.max(axis=(1, 2)).sum(),
            ),
        ):
            if np.isclose(L, value) and not np.isclose(value, right):
                raise Wrong(f"{text}.")
        need(right * 0.999 <= L, f"there is a frequency at which the gradient changes {right / L:.2f} times as fast.")
        need(right * 1.001 >= L, f"this is {L / right:.2f} times what is needed.")


def objective(image, maps, kernels, alpha):
    rest = image - direct(maps, kernels).sum(axis=0)
    return 0.5 * np.sum(rest**2) + alpha * np.abs(maps).sum()


def correlations(image, kernels):
    """Correlations of each kernel with an image."""
    return direct(np.repeat(image[None], len(kernels), axis=0), kernels, -1)


def accelerate(image, kernels, alpha, n_iter, momentum=True):
    """FISTA from zero, or ISTA."""
    L = (np.abs(spectrum(kernels, image.shape)) ** 2).sum(axis=0).max()
    z = v = np.zeros((len(kernels), *image.shape))
    t = 1.0
    for _ in range(n_iter):
        u = v + correlations(image - direct(v, kernels).sum(axis=0), kernels) / L
        old, z = z, u - np.clip(u, -alpha / L, alpha / L)
        t_old, t = t, 0.5 + np.sqrt(0.25 + t * t) if momentum else 1.0
        v = z + (t_old - 1) / t * (z - old)
    return z


@LAB.exercise(
    "4.4",
    hints=[
        "Nothing is new: gradient step, soft threshold, momentum. Only products with D have become 4.1 and 4.2.",
        "The gradient at v: minus the correlations of the residual, image - synthesize(v, kernels).",
        "Start with zero maps of shape (number of kernels, *image.shape), and keep v and t as in lab 1.",
    ],
    works="the rules of a minimum are kept to a few thousandths of alpha after 700 rounds, and the objective is "
    "FISTA's.",
)
def code_image(answer, rng):
    many = int(rng.integers(2, 4))
    shape = (many, 8, 9)
    kernels = rng.standard_normal((many, 3, 3))
    image = direct(rng.standard_normal(shape) * (rng.random(shape) < 0.1), kernels).sum(axis=0)
    image += 0.05 * rng.standard_normal(shape[1:])
    alpha = rng.uniform(0.08, 0.15) * np.abs(correlations(image, kernels)).max()
    L = (np.abs(spectrum(kernels, shape[1:])) ** 2).sum(axis=0).max()

    def go(n):
        return need_array(answer(image, kernels, alpha, n), shape, "the maps")

    first = go(1)
    g = correlations(image, kernels)
    need(
        not np.allclose(first, np.clip(g / L, -alpha / L, alpha / L)) and (first == 0).any(),
        "after one round no coefficient is zero. Where is the threshold?",
    )
    need(
        np.allclose(first, g / L - np.clip(g / L, -alpha / L, alpha / L)),
        "the first round, from zero, is not a gradient step of length 1 / L and a soft threshold.",
    )
    values = [objective(image, go(n), kernels, alpha) for n in (1, 40)]
    need(np.isfinite(values).all() and values[1] < values[0], "the objective does not fall.")
    tenth = go(10)
    need(
        not np.allclose(tenth, accelerate(image, kernels, alpha, 10, momentum=False)),
        "this is ISTA. Momentum, as in lab 1, makes the next cells bearable.",
    )
    need(
        np.allclose(tenth, accelerate(image, kernels, alpha, 10), atol=1e-6),
        "the tenth code is not that of FISTA: momentum is not that of lab 1. How does t grow, and where does v lie?",
    )
    maps = go(700)
    g = correlations(image - direct(maps, kernels).sum(axis=0), kernels)
    broken = np.where(maps != 0, np.abs(g - alpha * np.sign(maps)), np.maximum(np.abs(g) - alpha, 0)).max()
    need(broken < 5e-3 * alpha, f"after 700 rounds the rules of a minimum are broken by {broken / alpha:.2g} alpha.")


@LAB.exercise(
    "4.5",
    hints=[
        "Two ways to make kernels comparable: the same largest value, or the same length.",
        "A kernel of length c pays alpha for a unit that explains c times as much. Which of the two ways is neutral?",
        "Divide each kernel by its own number; `keepdims=True` helps.",
    ],
    works='"l2" gives all kernels the length one, "max" the largest value one, and shapes stay.',
)
def scale_kernels(answer, rng):
    kernels = rng.standard_normal((4, 5, 6)) * rng.uniform(0.5, 3, (4, 1, 1))
    kernels[0] -= 2  # its largest value in size is negative
    found = {how: need_array(answer(kernels, how), kernels.shape, "the kernels") for how in ("l2", "max")}
    need(not np.allclose(found["l2"], found["max"]), "both ways give the same.")
    lengths = np.sqrt(np.sum(found["l2"] ** 2, axis=(1, 2)))
    sizes = np.abs(found["max"]).max(axis=(1, 2))
    ratio = found["l2"] / kernels
    need(
        not np.allclose(ratio, ratio[0, 0, 0]),
        "all kernels are divided by the same number, so that they differ as before.",
    )
    need(np.allclose(ratio, ratio[:, :1, :1]), "kernels change their shape. Each is to be divided by one number.")
    need(np.allclose(lengths, 1), f"with l2, lengths are {lengths.min():.2f} to {lengths.max():.2f}.")
    need(
        np.allclose(sizes, 1),
        f"with max, largest sizes are {sizes.min():.2f} to {sizes.max():.2f}. Kernels may have "
        "their largest value below zero.",
    )
    for how, scaled in found.items():
        need(
            (np.sum(scaled * kernels, axis=(1, 2)) > 0).all(),
            f"with {how}, some kernel has changed its sign.",
        )


premature = LAB.choice(
    "4.6",
    "premature",
    correct="c",
    why={
        "a": "it is the same number of rounds for both, and yet they are at different distances from their minima.",
        "b": "the image, the penalty and the number of kernels are the same for both; nothing is wrong with that.",
        "c": "the count of active coefficients falls for hundreds of rounds, for each bank at its own pace: what was "
        "compared is how far the solver had come. Stop by a certificate, such as the duality gap, not by a count.",
        "d": "the objective is what is being minimised. That it falls is no surprise, and says nothing about "
        "the distance "
        "to the minimum.",
    },
    hints=["Which of the printed numbers still change between the last two rows?", "What would tell you to stop?"],
)

banks_end = LAB.prediction(
    "P1",
    "banks_end",
    options="abc",
    truth="The homogeneous one (b), by a few per cent, at more error. After 300 rounds it seemed to be the other way.",
)
