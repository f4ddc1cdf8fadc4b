"""How dictionaries show themselves: a line of text, a mosaic, a picture in a notebook."""

import base64
import html as markup
import io
import textwrap

import numpy as np
from scipy.sparse import issparse

#: A notebook shows this many atoms, and no picture if they have more pixels than this.
SHOWN_ATOMS = 100
SHOWN_PIXELS = 200_000


def describe(dictionary):
    """Return the line of text that stands for a dictionary."""
    shape = " x ".join(map(str, dictionary.atom_shape))
    words = [f"{len(dictionary)} atom{'s' * (len(dictionary) > 1)} of {shape}", str(dictionary.dtype)]
    if issparse(dictionary.atoms):
        words[0] = words[0].replace("atom", "sparse atom", 1)
        words[1] += f", {dictionary.atoms.nnz} entries"
    if dictionary.shapes is not None:
        words.append("own shapes")
    if dictionary.coords:
        words.append("coords: " + textwrap.shorten(", ".join(dictionary.coords), 70, placeholder=" ..."))
    return f"{type(dictionary).__name__}({', '.join(words)})"


def draw(dictionary, *, n_columns, ax):
    """Draw the atoms as a mosaic and return the axes."""
    from ..plot import mosaic

    atoms = dictionary.atoms.toarray() if issparse(dictionary.atoms) else dictionary.atoms
    if dictionary.dims[-1] == "channel" and atoms.ndim > 2:
        atoms = np.moveaxis(atoms, -1, 1)
    height = int(np.prod(atoms.shape[1:-1]))
    return mosaic(atoms.reshape(len(atoms), height, atoms.shape[-1]), n_columns=n_columns, ax=ax)


def html(dictionary):
    """Return the text and, unless atoms are large, a picture of the first of them."""
    text = f"<div>{markup.escape(describe(dictionary))}</div>"
    n_shown = min(len(dictionary), SHOWN_ATOMS)
    if n_shown * dictionary.n_features > SHOWN_PIXELS:
        return text
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3, 3))
    draw(dictionary.select(slice(n_shown)), n_columns=None, ax=figure.add_axes((0, 0, 1, 1)))
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=80)
    encoded = base64.b64encode(picture.getvalue()).decode()
    return f'{text}<img alt="mosaic of {n_shown} atoms" src="data:image/png;base64,{encoded}">'
