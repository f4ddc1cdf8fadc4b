"""The style of references: titles as they are written, and volumes also where pages are not known."""

from pybtex.plugin import register_plugin
from pybtex.style.formatting.plain import Style as PlainStyle
from pybtex.style.template import field, join, optional, sentence, tag, words


class Style(PlainStyle):
    """Plain, with these two differences."""

    def format_title(self, entry, which_field, as_sentence=True):
        """Return the title."""
        title = field(which_field, raw=True)
        return sentence[title] if as_sentence else title

    def get_article_template(self, entry):
        """Return what an article is written as."""
        volume = join[field("volume"), optional["(", field("number"), ")"], optional[":", field("pages")]]
        journal = sentence[words[tag("em")[field("journal")], volume], field("year")]
        return words[self.format_names("author"), self.format_title(entry, "title"), journal]


def setup(app):
    """Register the style."""
    register_plugin("pybtex.style.formatting", "site", Style)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
