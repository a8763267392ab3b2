"""The checks notice what is wrong. Each test plants one fault into a site without one."""

import pathlib
import tempfile
import unittest

from publishing import check, dialogue, lists, pages, spelling

PAGE = """<html><head><meta http-equiv="Content-Security-Policy" content="{policy}"></head>
<body><a href="other/">the site's own frame</a><article>{article}</article></body></html>"""
ARTICLE = '<h1 id="one">One</h1><ul><li><a href="other/#two">two</a></li></ul>'
FILES = {
    "pages/README.md": "# One\n\n- [two](other.md#two)\n",
    "pages/other.md": "# Two\n",
    "site/README.md": "", "site/other.md": "",
    "site/index.html": PAGE.format(policy=check.POLICY, article=ARTICLE),
    "site/other/index.html": PAGE.format(policy=check.POLICY, article='<h1 id="two">Two</h1>').replace('other/', '../'),
    "site/site.css": "a { background: url(data:image/png;base64,AA) }",
    "site/search.json": '{"items": [{"location": ""}, {"location": "other/#two"}]}',
    "site/llms.txt": "# One\n\n> A summary.\n\n- [one](README.md): a\n- [two](other.md): b\n",
}


class Faults(unittest.TestCase):
    def problems(self, name="", old="", new=""):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, text in FILES.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            if name:
                text = FILES[name]
                self.assertIn(old, text)
                (root / name).write_text(text.replace(old, new))
            return list(check.problems(root / "pages", root / "site"))

    def test_a_site_without_a_fault(self):
        self.assertEqual(self.problems(), [])

    def test_faults(self):
        index, other = "site/index.html", "site/other/index.html"
        for name, old, new, expected in [
            (index, "#two", "#three", "nothing is at other/#three"),
            (index, "other/#two", "another/", "nothing is at another/"),
            (index, check.POLICY, "default-src *", "Content-Security-Policy"),
            (index, "<body>", '<body><script src="https://cdn.example/a.js"></script>', "from another host"),
            (index, "<body>", '<body><link rel="stylesheet" href="//cdn.example/a.css">', "from another host"),
            (index, "<body>", '<body><img src="https://cdn.example/a.png">', "from another host"),
            (index, "<body>", '<body><img src="a.png">', "nothing is at a.png"),
            (index, "<ul>", "<p>", "0 times <ul>"),
            (other, '"../"', '"../../"', ""),
            (other, "<h1", "<h2", "0 times <h1>"),
            ("site/site.css", "url(data:", "url(https://cdn.example/", "from another host"),
            ("site/search.json", "other/#two", "another/", "the search does not find it"),
            ("site/llms.txt", "other.md", "nothing.md", "nothing is at nothing.md"),
            ("site/llms.txt", "- [two](other.md): b\n", "", "lists other.md 0 times"),
            ("site/llms.txt", "> ", "", "a title and a summary"),
        ]:
            with self.subTest(new):
                found = self.problems(name, old, new)
                # Above the top of a site there is only its top.
                self.assertEqual(bool(found), bool(expected), found)
                self.assertTrue(not found or any(expected in problem for problem in found), found)

    def test_links_and_blocks_of_a_page(self):
        for link, page, expected in [
            ("keys.md#rotation", "settings.md", "keys.md#rotation"),
            ("../README.md#install", "settings.md", "overview.md#install"),
            ("../../README.md", "clients/express.md", "../overview.md"),
            ("docs/keys.md", "overview.md", "keys.md"),
            ("docs/clients", "overview.md", "clients/README.md"),
            ("src/lib.rs", "project/architecture.md", pages.REPOSITORY + "src/lib.rs"),
            (pages.REPOSITORY + "docs/keys.md", "clients/rust-crate.md", "../keys.md"),
            ("https://example.com/a", "keys.md", "https://example.com/a"),
        ]:
            self.assertEqual(pages.on_site(link, page), expected)
        with self.assertRaises(FileNotFoundError):
            pages.on_site("nothing.md", "keys.md")
        self.assertEqual(pages.with_names("```redis-cli -3\n> PING\n```"), "```redis-cli-3\n> PING\n```")
        self.assertEqual(pages.with_links("```\n[a](src)\n```\n[a](\nb)", "keys.md"), "```\n[a](src)\n```\n[a](\nb)")
        self.assertEqual(lists.converted("1. a\n   - b\n\n   c\n2. d"), "1. a\n    - b\n\n    c\n\n2. d")
        rendered = dialogue.render('> GET a\n"<b>"', "redis-cli-3", "redis-cli")
        self.assertIn('data-protocol="RESP3"', rendered)
        self.assertIn('<span class="typed">GET a\n</span><span class="reply">', rendered)
        self.assertIn('<span class="string">&quot;&lt;b&gt;&quot;</span>', rendered)

    def test_words(self):
        text = "A wrongg word, `codee`, [linkk](targett), https://hostt/, a.bb, camelCase, UUIDs, --optionn, x86."
        text = spelling.prose("a.md", text + "\n```\nblockk\n```\n")
        self.assertEqual(spelling.WORD.findall(text), ["A", "wrongg", "word", "linkk"])
        self.assertEqual(spelling.prose("a.rs", 'let wrongg = "http://x"; // a comment').strip(), "a comment")
        self.assertEqual(spelling.prose("a.py", '"""Doc."""\nwrongg = 1  # note').split(), ["note", "Doc."])


if __name__ == "__main__":
    unittest.main()
