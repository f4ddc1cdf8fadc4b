"""Check a built site, page by page, in headless Chromium.

    python docs/check_site.py docs/_build/html [--some | --only PREFIX ...] [--shots FOLDER]

Every page: no request to another host, nothing missing, no error of a script, a text for each image, no horizontal
scrolling at 1280 and 375 pixels, nothing cut off on paper, no violation found by axe, light and dark; links within the
site lead somewhere, those of a lab to all labs, its answers, its notebook and its script; the search finds words that
must be found, and the labs. Of each lab a PDF is made, in which every line of code
must be found. `--some` looks at a few pages of each kind in the browser, `--only` at those whose path begins with a
word, and both check the links of all. What is wrong is said as it is found. It needs the extra "site" and Chromium
(CHROMIUM names it where it is not on the path).
"""

import argparse
import functools
import html.parser
import http.server
import io
import os
import shutil
import sys
import threading
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

WIDTHS = {"desk": (1280, 900), "phone": (375, 740)}
#: Width of A4 between margins of 1 cm, in pixels of style sheets.
PAPER = 718
SEARCHES = {"CEL0": ".html", "dendrite": ".html", "log-Gabor": ".html", "momentum creeps": "labs/html/"}
NOT_PAGES = ("_static", "_downloads", "_modules", "_sources")
#: Pages of each kind that `--some` looks at.
SOME = (
    "index.html",
    "start/choose.html",
    "user_guide/index.html",
    "user_guide/convolutional.html",
    "user_guide/streams.html",
    "extend/encoder.html",
    "labs/index.html",
    "labs/html/lab1_soft_threshold_and_ista.html",
    "labs/answers/lab5_a_memory_that_learns_once.html",
    "api/index.html",
    "api/sdr.html",
    "api/generated/sparsecode.SparseCoder.html",
    "api/generated/sparsecode.penalties.CEL0.html",
    "api/generated/sparsecode.solvers.solve.html",
    "auto_gallery/index.html",
    "auto_gallery/penalties/plot_lista.html",
    "developer/design.html",
    "benchmarks.html",
    "reproduced.html",
    "glossary.html",
    "references.html",
    "search.html",
    "404.html",
)


class Links(html.parser.HTMLParser):
    """Where a page leads, and the places in it."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.anchors = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        """Collect one element."""
        found = dict(attributes)
        self.anchors |= {found[key] for key in ("id", "name") if found.get(key)}
        for key in ("href", "src"):
            if found.get(key) and tag != "base":
                self.targets.add(found[key])


def broken_links(folder, pages):
    """Return what is wrong with links within the site."""
    found = {page: Links((folder / page).read_text(encoding="utf-8")) for page in pages}
    wrong = []
    for page, links in found.items():
        for target in sorted(links.targets):
            url, anchor = urldefrag(urljoin(f"http://site/{page}", target))
            if not url.startswith("http://site/") or page == "404.html":
                continue
            path = unquote(url.removeprefix("http://site/").partition("?")[0]) or "index.html"
            path = f"{path}index.html" if path.endswith("/") else path
            if not (folder / path).is_file():
                wrong.append(f"{page}: {target} is missing")
            elif anchor and path in found and unquote(anchor) not in found[path].anchors | {"top"}:
                wrong.append(f"{page}: {target} has no such place")
    return wrong


def lab_links(folder, pages):
    """Return which pages of a lab, and the page about all labs, do not lead to the others and to the downloads."""
    labs = sorted(
        page.removeprefix("labs/html/").removesuffix(".html") for page in pages if page.startswith("labs/html/")
    )
    wrong = [] if labs else ["there are no pages of labs"]
    for lab in labs:
        files = f"student/{lab}.ipynb", f"script/{lab}.py"
        pair = f"html/{lab}.html", f"answers/{lab}.html"
        due = {
            "index": (*pair, *files),
            pair[0]: ("index.html", pair[1], *files),
            pair[1]: ("index.html", pair[0], *files),
        }
        for name, targets in due.items():
            page, up = (f"labs/{name}", "../") if name != "index" else ("labs/index.html", "")
            there = (folder / page).is_file()
            found = Links((folder / page).read_text(encoding="utf-8")).targets if there else set()
            wrong += [f"{page}: no link to {up}{target}" for target in targets if f"{up}{target}" not in found]
    return wrong


class Silent(http.server.SimpleHTTPRequestHandler):
    """A server that says nothing."""

    def log_message(self, *args):
        """Say nothing."""


class Server(http.server.ThreadingHTTPServer):
    """A server that expects pages to be left before they are whole."""

    def handle_error(self, request, client_address):
        """Say nothing: what is missing, pages say themselves."""


def serve(folder):
    """Serve a folder in a thread and return the server."""
    server = Server(("127.0.0.1", 0), functools.partial(Silent, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def watch(page, host, wrong):
    """Collect foreign requests, answers that are errors, and errors of scripts."""
    page.on("request", lambda r: None if r.url.startswith((host, "data:", "blob:")) else wrong.append(f"asks {r.url}"))
    page.on("response", lambda r: wrong.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    page.on("pageerror", lambda error: wrong.append(f"script: {error}"))


#: Images without a text, or with the name of a file; thumbnails stand beside their title, and need none.
IMAGES = """() => [...document.images].filter(i => !i.closest('.sphx-glr-thumbcontainer'))
    .filter(i => !(i.alt || '').trim() || /^plot[ _]/.test(i.alt)).map(i => i.src + ' alt=' + i.alt)"""
SCROLL = "() => [document.documentElement.scrollWidth, window.innerWidth]"


#: Elements whose content is wider than they are, or which leave the paper, with their first words.
CUT = """() => ['pre', 'img', 'table', 'math', 'p', 'summary']
    .flatMap(tag => [...document.querySelectorAll('main ' + tag)])
    .filter(e => e.checkVisibility())
    .filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display != 'inline'
        && e.clientWidth || e.getBoundingClientRect().right > window.innerWidth + 1)
    .map(e => e.tagName + ' ' + (e.textContent || e.src || e.outerHTML).trim().slice(0, 60))"""


def printed(page):
    """Return the text of a page printed to PDF, without spaces."""
    from pypdf import PdfReader

    margin = dict.fromkeys(("top", "bottom", "left", "right"), "1cm")
    pdf = PdfReader(io.BytesIO(page.pdf(format="A4", margin=margin)))
    return "".join("".join(sheet.extract_text().split()) for sheet in pdf.pages)


def on_paper(page, name):
    """Return what is cut off when a page is printed."""
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER, "height": 1000})
    wrong = [f"cut off on paper: {what}" for what in page.evaluate(CUT)]
    if name.startswith(("labs/html", "labs/answers")):
        lines = page.evaluate(
            "() => [...document.querySelectorAll('main pre')].flatMap(e => e.textContent.split('\\n'))"
        )
        found = printed(page)
        wrong += [f"not in the PDF: {line}" for line in lines if "".join(line.split()) not in found]
    page.emulate_media(media="screen")
    return wrong


def look(page, name, shots):
    """Return what is wrong with a page that is loaded, at both widths."""
    wrong = [f"no text for an image: {image}" for image in page.evaluate(IMAGES)]
    for width, (x, y) in WIDTHS.items():
        page.set_viewport_size({"width": x, "height": y})
        needs, has = page.evaluate(SCROLL)
        if needs > has:
            wrong.append(f"{needs} pixels wide at {has}")
        if shots:
            page.screenshot(path=str(shots / f"{name.replace('/', '_')}.{width}.png"))
    return wrong


def violations(page, axe, scheme):
    """Return the rules of accessibility that a page breaks, with the first element that does."""
    # What has no colour is the same in the dark
    only = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}
    found = axe.run(page, options={"preload": False} | only).response["violations"]
    return [f"axe {v['id']} ({len(v['nodes'])}): {v['nodes'][0]['html'][:160]}" for v in found]


def search(page, host):
    """Return the words that the search does not find."""
    wrong = []
    for word, place in SEARCHES.items():
        page.goto(f"{host}/search.html?q={word}")
        try:
            page.wait_for_selector(f"#search-results li a[href*='{place}']", timeout=20_000)
        except Exception:
            wrong.append(f"search: nothing found for {word}")
    return wrong


def in_browser(folder, pages, shots):
    """Look at pages in both colour schemes and return what is wrong."""
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    server, wrong, axe = serve(folder), [], Axe()
    host = f"http://127.0.0.1:{server.server_port}"
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        for scheme in ("light", "dark"):
            page, noticed = browser.new_context(color_scheme=scheme, reduced_motion="reduce").new_page(), []
            watch(page, host, noticed)
            for name in pages:
                page.set_viewport_size(dict(zip(("width", "height"), WIDTHS["desk"], strict=True)))
                page.goto(f"{host}/{name}", wait_until="load")
                found = violations(page, axe, scheme)
                found += look(page, f"{scheme}.{name}", shots) if scheme == "light" or shots else []
                found += on_paper(page, name) if scheme == "light" else []
                found = [f"{name}, {scheme}: {what}" for what in [*noticed, *found]]
                print(*found, sep="\n", end="\n" if found else "", flush=True)
                wrong += found
                noticed.clear()
            if scheme == "light":
                found = search(page, host)
                print(*found, sep="\n", end="\n" if found else "", flush=True)
                wrong += found
        browser.close()
    server.shutdown()
    return wrong


def main():
    """Check, and say what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--some", action="store_true", help="a few pages of each kind")
    parser.add_argument("--only", nargs="+", metavar="PREFIX", help="pages whose path begins with one of these")
    parser.add_argument("--shots", type=Path, help="folder for pictures of the pages")
    options = parser.parse_args()
    if options.shots:
        options.shots.mkdir(parents=True, exist_ok=True)
    pages = sorted(str(path.relative_to(options.folder)) for path in options.folder.rglob("*.html"))
    pages = [page for page in pages if not page.startswith(NOT_PAGES)]
    wrong = broken_links(options.folder, pages) + lab_links(options.folder, pages)
    shown = [page for page in SOME if page in pages] if options.some else pages
    shown = [page for page in shown if page.startswith(tuple(options.only or [""]))]
    print(*wrong, sep="\n", end="\n" if wrong else "", flush=True)
    wrong += in_browser(options.folder, shown, options.shots)
    print(f"{len(pages)} pages, {len(shown)} in the browser, {len(wrong)} findings")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
