"""Looks up the words of the documents, and of the comments in the source, in a dictionary of American English.

words.txt has the terms that the dictionary does not have.

    python -m publishing.spelling
"""

import pathlib
import re
import subprocess
import sys

from spylls.hunspell import Dictionary

from publishing.pages import ROOT

WORDS = pathlib.Path(__file__).with_name("words.txt")
# Data, and what a program wrote.
LEFT_OUT = re.compile(r"^(fuzz/seeds|proptest-regressions|tests/vectors)/|lock(\.json)?$|(^|/)LICENSE$")

SLASHES = r"(?<![:\"'])//[/!]? ?(.*)"
HASHES = r"(?m)(?:^|\s)# (.*)"
# The comments in a file by the ending of its name; "" is that of a script.
COMMENTS = {
    ".rs": [SLASHES], ".c": [SLASHES], ".go": [SLASHES], ".css": [r"(?s)/\*.*?\*/"],
    ".py": [HASHES, r'(?s)"""(.*?)"""'], "": [HASHES], ".toml": [HASHES], ".yml": [HASHES], ".conf": [HASHES],
} | {suffix: [SLASHES, r"(?s)/\*.*?\*/"] for suffix in [".cjs", ".cts", ".js", ".mjs", ".mts", ".ts"]}

# What is code or an address: a block, `…`, the target of a link.
CODE = re.compile(r"```.*?```|`[^`]*`|\]\([^)]*\)|https?://\S+|<[^>]*>", re.DOTALL)
# What is a name of a program, and not a word: "…", a path, an option, a.b, a_b, x86, camelCase,
# and words in capitals.
NAMES = re.compile(
    r"\"[^\"\n]*\"|\S*[_/\\:=@]\S+|\S+\.\w+|\S*\d\S*|(?<!\w)--?\w[\w-]*|\w*[a-z][A-Z]\w*|\b[A-Z]{2,}s?\b")
WORD = re.compile(r"[A-Za-z](?:[A-Za-z']*[A-Za-z])?")


def prose(name, text):
    """The text of a document, or of the comments in a file of the source."""
    suffix = pathlib.PurePath(name).suffix
    if suffix == ".md":
        text = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    else:
        text = "\n".join(found for pattern in COMMENTS.get(suffix, []) for found in re.findall(pattern, text))
    return NAMES.sub(" ", CODE.sub(" ", text))


def unknown_words():
    """The words that neither the dictionary nor the list has, each with the first file that has it."""
    dictionary = Dictionary.from_files("en_US")
    known = set(WORDS.read_text().split())
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    found = {}
    for name in filter(None, names):
        path = ROOT / name
        if LEFT_OUT.search(name) or not path.is_file() or b"\0" in path.read_bytes()[:8000]:
            continue
        for word in WORD.findall(prose(name, path.read_text())):
            found.setdefault(word.removesuffix("'s"), name)
    return {word: name for word, name in found.items()
            if not (word.lower() in known or dictionary.lookup(word))}


def main():
    unknown = unknown_words()
    for word, name in sorted(unknown.items()):
        print(f"{name}: {word}")
    if unknown:
        sys.exit(f"{len(unknown)} words are unknown. Correct them, or add a correct one to {WORDS.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
