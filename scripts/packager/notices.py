"""The licenses of all that is linked into libjrs.so, which these licenses require beside it."""

import re

from .source import Failure

# rustc does not install the license of its standard library as a text in all versions; these lines are its notice.
STANDARD_LIBRARY = """\
Copyright (c) The Rust Project Developers. Licensed under the Apache License 2.0 or the MIT license, whose texts are
below. Parts of it have other authors and terms: https://github.com/rust-lang/rust/blob/{commit}/COPYRIGHT
"""


def notices(crates, compiler):
    """The text of third-party-notices.txt: a list of the crates, then each license text once."""
    texts = {}  # a text: where it was found
    lines = []
    for crate in crates:
        lines.append(f"{crate.name} {crate.version}: {crate.license}")
        files = crate.license_files()
        if not files:
            lines[-1] += " (the crate has no license file)"
        for file in files:
            text = normal(file.read_text(errors="replace"))
            texts.setdefault(text, []).append(f"{crate.name} {crate.version}: {file.relative_to(crate.folder)}")
    for license in ("Apache License", "MIT License|Permission is hereby granted"):
        if not any(re.search(license, text) for text in texts):
            raise Failure(f"no crate has the text of the {license}")
    parts = ["libjrs.so contains these crates, as Rust names its libraries. Their licenses follow.\n\n",
             "\n".join(lines), f"\nthe Rust standard library {compiler.release}: MIT OR Apache-2.0\n\n",
             STANDARD_LIBRARY.format(commit=compiler.commit)]
    for text, places in texts.items():
        parts.append("\n" + "=" * 100 + "\n" + "\n".join(places) + "\n" + "-" * 100 + "\n\n" + text)
    return "".join(parts)


def normal(text):
    lines = [line.rstrip() for line in text.replace("\f", "").strip("\n").splitlines()]
    return "\n".join(lines) + "\n"
