"""Names in plain text become links: `SparseCoder`, `coding.compare_coders`, `gallery/plot_lista.py`.

So that texts need no markup of their own to be part of the site: what stands as code in prose and names one documented
object, a script of the gallery or a page, is linked to it. What names nothing stays as it is.
"""

import re

import gallery_sections
from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxRole

SCRIPT = re.compile(r"(?:gallery/)?(plot_\w+)\.py")
PAGE = re.compile(r"docs/([\w/]+)\.md")
NAME = re.compile(r"(?:[a-z_]+\.)*[A-Za-z_]\w*")
NOT_INSIDE = (nodes.reference, nodes.title, nodes.literal_block, nodes.caption)


class AnyName(SphinxRole):
    """The role of `names` in docstrings: code, which this extension may link."""

    def run(self):
        """Return a literal."""
        return [nodes.literal(self.rawtext, self.text.replace("\x00", ""))], []


class LinkLiterals(SphinxPostTransform):
    """Wrap literals that name something into references."""

    default_priority = 400  # references of Sphinx are resolved at 10

    def run(self, **kwargs):
        """Look at all literals of a page."""
        for node in list(self.document.findall(nodes.literal)):
            parent = node.parent
            inside = False
            while parent is not None and not inside:
                inside, parent = isinstance(parent, NOT_INSIDE), parent.parent
            if not inside and (uri := self.uri_of(node.astext())):
                reference = nodes.reference("", "", internal=True, refuri=uri)
                node.replace_self(reference)
                reference += node

    def uri_of(self, text):
        """Return where a text leads, None for most."""
        here = self.env.docname
        docname, anchor = self.page_of(text)
        if docname is None or docname not in self.env.all_docs or (docname == here and not anchor):
            return None
        return self.app.builder.get_relative_uri(here, docname) + (f"#{anchor}" if anchor else "")

    def page_of(self, text):
        """Return the page that a text names, and the place in it."""
        if found := SCRIPT.fullmatch(text):
            return gallery_sections.page_of(found[1]), ""
        if found := PAGE.fullmatch(text):
            return found[1], ""
        if not NAME.fullmatch(text) or text.startswith("__"):
            return None, ""
        return self.names().get(text.removeprefix("sparsecode."), (None, ""))

    def names(self):
        """Return the pages of all names."""
        return names_of(self.env)


def names_of(env):
    """Return the pages of all classes and functions by what they may be called, without what is ambiguous."""
    if not hasattr(env, "literal_link_names"):
        found = {}
        for name, entry in env.domains.python_domain.objects.items():
            if entry.objtype not in {"class", "function", "exception"} or entry.aliased:
                continue
            short = name.removeprefix("sparsecode.").split(".")
            # A word in small letters may as well be a parameter
            is_word = re.fullmatch("[a-z0-9]+", short[-1])
            for start in range(len(short) - 1 if is_word and len(short) > 1 else len(short)):
                found.setdefault(".".join(short[start:]), set()).add((entry.docname, entry.node_id))
        env.literal_link_names = {name: places.pop() for name, places in found.items() if len(places) == 1}
    return env.literal_link_names


def resolve(app, env, node, contnode):
    """Find what See Also sections call by another of its names."""
    name = node.get("reftarget", "").rpartition(".")[2]
    if node.get("refdomain") != "py" or name not in names_of(env):
        return None
    docname, anchor = names_of(env)[name]
    uri = app.builder.get_relative_uri(node["refdoc"], docname)
    return nodes.reference("", "", contnode, internal=True, refuri=f"{uri}#{anchor}")


def forget(app, env):
    """Let names be collected anew in each build."""
    if hasattr(env, "literal_link_names"):
        del env.literal_link_names


def setup(app):
    """Register the role and the transform."""
    app.add_role("any_name", AnyName())
    app.add_post_transform(LinkLiterals)
    app.connect("env-updated", forget)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
