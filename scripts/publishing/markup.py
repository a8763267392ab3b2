"""Reads what the checks need from a page of HTML."""

import collections
from html.parser import HTMLParser

# What a browser fetches to show a page: the element and the attribute. A link that the reader clicks is not among them.
LOADING = {
    ("audio", "src"), ("embed", "src"), ("form", "action"), ("iframe", "src"), ("img", "src"), ("img", "srcset"),
    ("input", "src"), ("link", "href"), ("object", "data"), ("script", "src"), ("source", "src"), ("source", "srcset"),
    ("track", "src"), ("video", "poster"), ("video", "src"),
}
# These only tell where something is.
NOT_LOADING = {"alternate", "canonical", "next", "prev"}


class Page(HTMLParser):
    """The addresses, the ids and the elements of a page."""

    def __init__(self, text):
        super().__init__()
        self.loaded, self.links, self.ids, self.policy = [], [], set(), None
        self.tags, self.article_tags = collections.Counter(), collections.Counter()
        self.in_article = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags[tag] += 1
        if self.in_article:
            self.article_tags[tag] += 1
        self.in_article |= tag == "article"
        self.ids |= {attributes[name] for name in ("id", "name") if attributes.get(name)}
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        is_note = tag == "link" and set(attributes.get("rel", "").split()) <= NOT_LOADING
        self.loaded += [value for name, value in attrs if (tag, name) in LOADING and value and not is_note]

    def handle_endtag(self, tag):
        if tag == "article":
            self.in_article = False
