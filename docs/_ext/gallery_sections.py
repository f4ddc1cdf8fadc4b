"""The gallery in sections: scripts lie in one folder, where they can be run, and are shown by what they are about."""

import re
from pathlib import Path

from sphinx_gallery.scrapers import matplotlib_scraper
from sphinx_gallery.sorting import ExplicitOrder
from unchanged import write

#: Folder, title, a line about it, and its scripts in the order in which they are best read.
SECTIONS = [
    (
        "patches",
        "Patches and what is learned from them",
        "From photographs to whitened patches, to dictionaries, and back to photographs.",
        "natural_patches v1_receptive_fields learning_rules resumed_learning homeostasis task_driven_digits "
        "digits_pipeline denoising inpainting",
    ),
    (
        "penalties",
        "Penalties, solvers and circuits",
        "What makes a code sparse, and how much of a difference it makes at matched sparsity or matched error.",
        "thresholding_functions all_penalties l1_cel0_omp beyond_l1 matched_error units_needed "
        "receptive_fields_by_penalty step_dependence lista lca_sailnet",
    ),
    (
        "convolutional",
        "Convolutional codes",
        "Maps of kernels in place of patches: banks, learned kernels, and what maps are good for.",
        "kernel_banks heterogeneous_kernels pruning convolutional_kernels convolutional_digits "
        "convolutional_inpainting orientation_statistics event_sparse_image",
    ),
    (
        "sdr",
        "Binary codes and memories",
        "Sparse distributed representations, and memories that store them in one trial.",
        "sdr_encoders memory_similarity memory_capacity memory_completion memory_of_photographs memory_hierarchy "
        "memory_sequences memory_levels_in_time associative_memories",
    ),
    (
        "dendrites",
        "Dendrites",
        "Segments with few synapses that detect patterns: theory, calibration, sequences, tasks.",
        "nmda_threshold dendrite_scaling dendrite_noise dendrite_unions dendrite_calibration dendrite_patches "
        "temporal_memory streaming_anomalies permuted_digits pixels_to_neuron",
    ),
    (
        "streams",
        "Changes and spikes",
        "Sending, and computing, only what has changed.",
        "delta_encoding delta_network delta_video delta_layers rates_and_deltas spiking_lca spiking_digits",
    ),
    (
        "together",
        "Families together",
        "What comes out of one encoder goes into the next; one dictionary serves several.",
        "one_dictionary where_it_is video_memory",
    ),
]
#: Where scripts are shown that no section names yet.
OTHER = "together"

FOLDERS = {f"plot_{name}": folder for folder, _, _, names in SECTIONS for name in names.split()}
PLACES = {f"{name}.py": i for i, name in enumerate(FOLDERS)}
sections = ExplicitOrder([str(Path("_gallery") / folder) for folder, *_ in SECTIONS])


def page_of(name):
    """Return the page of a script."""
    return f"auto_gallery/{FOLDERS.get(name, OTHER)}/{name}"


def collect(source, target):
    """Copy all scripts to a folder for each section, with its header, and return the target."""
    scripts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(source.glob("plot_*.py"))}
    missing = FOLDERS.keys() - scripts.keys()
    if missing:
        raise FileNotFoundError(f"sections of the gallery name scripts that are not there: {sorted(missing)}")
    wanted = set()
    for name, text in scripts.items():
        path = target / FOLDERS.get(name, OTHER) / f"{name}.py"
        wanted.add(path)
        write(path, text)
    write(target / "GALLERY_HEADER.rst", HEADER)
    for folder, title, about, *_ in SECTIONS:
        if any(path.parent.name == folder for path in wanted):
            write(target / folder / "GALLERY_HEADER.rst", f"{title}\n{'-' * len(title)}\n\n{about}\n")
    for path in target.rglob("plot_*.py"):
        if path not in wanted:
            path.unlink()
    for page in (target.parent / "auto_gallery").rglob("plot_*.rst"):  # of scripts that are in another section now
        if target / page.parent.name / f"{page.stem}.py" not in wanted:
            page.unlink()
    return target


HEADER = """
Gallery
=======

Each script runs alone, needs no network, and prints the numbers that its text names. Tests run all of them and check
these numbers. A script, or a notebook made of it, can be downloaded at the end of its page.
"""


class Order:
    """The order of scripts within a section; those that none names come by their names."""

    def __init__(self, folder):
        pass

    def __call__(self, name):
        """Return a key to sort by."""
        return f"{PLACES.get(name, len(PLACES)):03d} {name}"


def scrape(block, block_vars, gallery_conf):
    """Collect figures, with the title of the script and those of its panels as the text that stands for them."""
    text = Path(block_vars["src_file"]).read_text(encoding="utf-8")
    title = re.search(r'"""\s*(.+?)\n=+\n', text)[1]

    def alt(found):
        panels = "" if found[2].startswith("plot ") else f"; panels: {found[2]}"
        return f"{found[1]}Figure: {title}{panels}"

    return re.sub(r"^(\s*:alt: )(.*)$", alt, matplotlib_scraper(block, block_vars, gallery_conf), flags=re.MULTILINE)
