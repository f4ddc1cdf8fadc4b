"""Encoders within encoders."""

from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from ..encoder import Encoder, available_if_capable
from ._sparsity import make_penalty
from .sparse_coder import SparseCoder

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


class EncoderOfCoder(Encoder):
    """Encoders whose atoms are those of a fitted `SparseCoder`, `encoder_`, made by the parameter `encoder`."""

    @available_if_capable("invertible")
    def inverse_transform(self, X):
        """Return the reconstructions ``W D`` of codes.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_components)
            Codes W.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        codes = self._check_codes(X)
        return self.encoder_.inverse_transform(codes)

    @property
    def components_(self):
        """Atoms of `encoder_`."""
        check_is_fitted(self)
        return self.encoder_.components_

    @property
    def dictionary_(self):
        """The atoms as a `Dictionary`."""
        check_is_fitted(self)
        return self.encoder_.dictionary_

    @property
    def code_shape_(self):
        """Shape of a code."""
        return (len(self.components_),)

    def _has_signs(self):
        """Tell whether codes can be negative."""
        return not isinstance(self.encoder, SparseCoder) or self.encoder.capabilities().signed


def restored_coder(encoder):
    """Return what a file gives for `encoder_`, or say that it is not a fitted coder."""
    if not isinstance(encoder, SparseCoder):
        raise ValueError("the encoder is missing.")
    check_is_fitted(encoder)
    return encoder
