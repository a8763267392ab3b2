"""Files and archives whose bytes depend only on their content: sorted names, fixed owners, modes and times."""

import gzip
import hashlib
import io
import json
import pathlib
import tarfile


def sha256(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def mode(path):
    """Redis refuses modules that are not executable."""
    return 0o755 if path.endswith(".so") else 0o644


def write(file, content):
    """Writes a text, bytes or, as JSON, anything else. Makes the folder."""
    if not isinstance(content, str | bytes):
        content = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    file.chmod(mode(file.name))


def gzipped(content):
    return gzip.compress(content.encode() if isinstance(content, str) else content, 9, mtime=0)


def tarball(file, top, contents, epoch):
    """Writes contents, which are {path: bytes}, below the folder `top`."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        folders = {parent for path in contents for parent in pathlib.PurePath(top, path).parents if parent.name}
        entries = [(str(folder), None) for folder in folders] + [(f"{top}/{path}", contents[path]) for path in contents]
        for name, content in sorted(entries):
            entry = tarfile.TarInfo(name)
            entry.mtime = epoch
            if content is None:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
            else:
                entry.mode, entry.size = mode(name), len(content)
                archive.addfile(entry, io.BytesIO(content))
    write(file, gzipped(packed.getvalue()))
