"""Write the figures of README: python docs/readme_figures.py [NAME ...]

Each is the figure of a gallery script, or of the first page of the site, or its upper part, made smaller. What README
says below it is compared with what the script prints.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from PIL import Image

DOCS = Path(__file__).resolve().parent
STATIC = DOCS / "_static"

#: Bytes that a figure may have at most, and colours to try until it has.
MOST, COLOURS = 60_000, (256, 128, 64, 32, 16)


class Figure(NamedTuple):
    """Where a figure comes from, its width in pixels, the share of its height, and numbers that README has."""

    source: str
    width: int = 900
    upper: float = 1.0
    numbers: tuple = ()


FIGURES = {
    "first_figure": Figure("start/first_figure.md", 640, numbers=(r"explained variance ([\d.]+)",)),
    "matched_sparsity": Figure(
        "plot_l1_cel0_omp.py", upper=0.515, numbers=(r"\nl1: error ([\d.]+)", r"CEL0: error ([\d.]+)")
    ),
    "convolution_kernels": Figure(
        "plot_convolutional_kernels.py",
        numbers=(r"bank: explained variance ([\d.]+)", r"it: explained.* ([\d.]+) at"),
    ),
    "memory_completion": Figure("plot_memory_completion.py", numbers=(r"completed ([\d.]+)",)),
    "dendrite_noise": Figure("plot_dendrite_noise.py", numbers=(r"\n +12  +([\d.]+)",)),
    "rates_and_deltas": Figure(
        "plot_rates_and_deltas.py", numbers=(r"spikes a channel and frame: ([\d.]+)", r"changes .*frame: ([\d.]+)")
    ),
}


def code_of(source):
    """Return the program of a gallery script, or of the code on a page."""
    if source.endswith(".md"):
        text = (DOCS / source).read_text("utf-8")
        return "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    return (DOCS.parent / "gallery" / source).read_text("utf-8")


def run(source, folder):
    """Run a program in a folder; return the figure that it leaves there, and what it prints."""
    script = folder / f"{Path(source).stem}.py"
    script.write_text(code_of(source), "utf-8")
    command, environment = [sys.executable, script], {**os.environ, "MPLBACKEND": "Agg"}
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return Image.open(script.with_suffix(".png")).convert("RGB"), "\n" + done.stdout


def write_small(image, width, upper, path):
    """Write the upper part of a figure in the most colours with which it is small enough."""
    image = image.crop((0, 0, image.width, round(upper * image.height)))
    image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    for colours in COLOURS:
        image.quantize(colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= MOST:
            return
    raise SystemExit(f"{path.name} has {path.stat().st_size} bytes with {colours} colours; take a smaller width.")


def main(names):
    """Write figures, all if none is named, and say which numbers README does not have."""
    readme, wrong = (DOCS.parent / "README.md").read_text("utf-8"), []
    for name in names or FIGURES:
        source, width, upper, numbers = FIGURES[name]
        with tempfile.TemporaryDirectory() as folder:
            image, printed = run(source, Path(folder))
        path = STATIC / f"{name}.png"
        write_small(image, width, upper, path)
        found = [re.search(pattern, printed)[1] for pattern in numbers]
        print(f"{path.name}: {path.stat().st_size} bytes; printed {', '.join(found) or 'nothing that README names'}")
        caption = re.search(rf"_static/{name}\.png\)(.*?)\n\n(?=!|#|\()", readme, re.DOTALL)
        wrong += [f"{name}: {value}" for value in found if value not in (caption[1] if caption else "")]
    if wrong:
        raise SystemExit(f"README does not have these numbers beside their figures: {'; '.join(wrong)}")


if __name__ == "__main__":
    main(sys.argv[1:])
