"""Encoders within encoders."""

from sklearn.base import clone

from ._sparsity import make_penalty

#: Parameters by which a coder says how sparse codes shall be.
CHOICES = ("alpha", "n_nonzero_coefs", "target_sparsity", "target_snr")


def seeded_clone(encoder, rng):
    """Return an encoder that has not learned, with a seed wherever its own `random_state` is None."""
    encoder = clone(encoder)
    for name, value in sorted(encoder.get_params().items()):
        if (name == "random_state" or name.endswith("__random_state")) and value is None:
            encoder.set_params(**{name: int(rng.integers(2**31))})
    return encoder


def minimising_coder(encoder, rng):
    """Return a seeded clone of a `SparseCoder` whose codes are minimisers as they are, and its penalty."""
    encoder = seeded_clone(encoder, rng)
    encoder._validate_params()
    for name in ("fit_dc", "debias"):
        if getattr(encoder, name):
            raise ValueError(
                f"`encoder` has {name}=True, with which codes are not minimisers for its atoms; set it to False (means "
                "can be subtracted from the rows of X beforehand)."
            )
    choice = {name: getattr(encoder, name) for name in CHOICES}
    return encoder, make_penalty(encoder.penalty, positive=encoder.positive, **choice)
