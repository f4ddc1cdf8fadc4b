"""Configuration of the site, which builds without a network; `docs/developer/contributing.md` says how.

No page asks another host for anything, and no script of the gallery does while it runs.
"""

import sys
from pathlib import Path

import sparsecode
from sparsecode._cli.labs import GUARD

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

import gallery_sections  # noqa: E402

exec(GUARD, {})  # noqa: S102, from here on the network is closed to this process

project = "sparsecode"
author = copyright = "The sparsecode developers"
release = version = sparsecode.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
    "notfound.extension",
    "accessible",
    "api_pages",
    "benchmark_page",
    "bibliography_style",
    "labs_entry",
    "literal_links",
    "mathml",
    "measured",
    "plain_formulas",
]
exclude_patterns = ["_build", "_ext", "_gallery", "_lab_pages", "auto_gallery/**/*.ipynb"]
templates_path = ["_templates"]

# Every reference that is meant as one must lead somewhere; plain `names` in docstrings may (see literal_links).
nitpicky = True
default_role = "any_name"
suppress_warnings = [
    "config.cache",  # the order of gallery sections is an object, which is not kept between builds
    "ref.citation",  # papers in References of docstrings are for the reader, few sentences point at them
]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
autodoc_inherit_docstrings = True
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_math_renderer = "mathml"
bibtex_bibfiles = ["references.bib"]
bibtex_reference_style = "author_year"
bibtex_default_style = "site"

sphinx_gallery_conf = {
    "examples_dirs": str(gallery_sections.collect(HERE.parent / "gallery", HERE / "_gallery")),
    "gallery_dirs": "auto_gallery",
    "subsection_order": gallery_sections.sections,
    "within_subsection_order": "gallery_sections.Order",
    "image_scrapers": ("gallery_sections.scrape",),
    "doc_module": ("sparsecode",),
    "backreferences_dir": "api/backreferences",
    "capture_repr": (),
    "abort_on_example_error": True,
    "write_computation_times": False,  # its page loads scripts from other hosts
    "remove_config_comments": True,
    "min_reported_time": 0,
    "matplotlib_animations": False,
    "show_memory": False,
    "show_signature": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "sparsecode"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_sidebars = {name: [] for name in ("index", "reproduced", "benchmarks", "glossary", "references", "changelog")}
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "secondary_sidebar_items": ["page-toc"],
}
notfound_urls_prefix = None
copybutton_exclude = ".linenos, .gp, .go"
