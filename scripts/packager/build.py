"""Builds the module so that its bytes do not depend on the folder, and checks what it needs of a system."""

import os
import pathlib
import re
import shutil
import subprocess

from .files import mode
from .source import ROOT, Failure, output

# The newest glibc that the module may need. Debian 12 has 2.36, RHEL 9 has 2.34.
NEWEST_GLIBC = "2.34"
# The libraries that the module may need. All others are linked into it.
LIBRARIES = {"libc.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
TARGET_FOLDER = ROOT / "target/package"


def numbers(version):
    return [int(part) for part in version.split(".")]


class Compiler:
    """The compilers that build the module."""

    def __init__(self):
        self.rustc = output("rustc", "-vV").strip()
        self.target = re.search(r"^host: (.*)$", self.rustc, re.MULTILINE)[1]
        if not re.fullmatch(r"(x86_64|aarch64)-unknown-linux-gnu", self.target):
            raise Failure(f"packages are made on Linux with glibc, on x86_64 or aarch64; this is {self.target}")
        self.release = re.search(r"^release: (.*)$", self.rustc, re.MULTILINE)[1]
        self.commit = re.search(r"^commit-hash: (.*)$", self.rustc, re.MULTILINE)[1]
        self.sysroot = pathlib.Path(output("rustc", "--print", "sysroot").strip())
        self.cargo = output("cargo", "--version").strip()
        self.c = output("cc", "--version").splitlines()[0]

    @property
    def arch(self):
        return self.target.split("-")[0]

    def build(self):
        """Compiles the module. Returns its file."""
        cargo_home = pathlib.Path(os.environ.get("CARGO_HOME") or pathlib.Path.home() / ".cargo")
        # The last folder that matches counts, so a folder comes after the one that contains it.
        folders = {
            cargo_home: "/cargo",
            self.sysroot / "lib/rustlib/src/rust": f"/rustc/{self.commit}",
            ROOT: "/jrs",
        }
        if any(" " in str(folder) for folder in folders):
            raise Failure("a C compiler splits its flags at blanks: use a folder without a blank in its path")
        flags = [f"--remap-path-prefix={folder}={name}" for folder, name in folders.items()]
        # The name by which debuggers find libjrs.so.debug.
        flags.append("-Clink-arg=-Wl,--build-id=sha1")
        # For the C and assembler files of the cryptography crates. __DATE__ in them is an error.
        c_flags = [f"-ffile-prefix-map={folder}={name}" for folder, name in folders.items()]
        c_flags = " ".join(["-Werror=date-time", *c_flags])
        # SOURCE_DATE_EPOCH differs for each commit. With it, all C files would be compiled again.
        changing = re.compile("SOURCE_DATE_EPOCH|CARGO_(PROFILE|BUILD|TARGET|ENCODED|INCREMENTAL)|RUSTFLAGS|RUSTC|"
                              "(C|CXX|LD)FLAGS")
        env = {name: value for name, value in os.environ.items() if not changing.search(name)}
        env |= {"CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags), "CFLAGS": c_flags, "CXXFLAGS": c_flags,
                "CARGO_INCREMENTAL": "0", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        if "CARGO_BUILD_JOBS" in os.environ:
            env["CARGO_BUILD_JOBS"] = os.environ["CARGO_BUILD_JOBS"]
        # With --target, the flags are not those of build scripts and macros.
        output("cargo", "build", "--release", "--locked", "--lib", "--target", self.target,
               "--target-dir", TARGET_FOLDER, env=env)
        return TARGET_FOLDER / self.target / "release/libjrs.so"


class Needs:
    """What a shared object needs of a system."""

    def __init__(self, file):
        symbols = output("objdump", "-T", file)
        versions = set(re.findall(r"\bGLIBC_([0-9.]+)", symbols))
        self.glibc = max(versions, key=numbers)
        self.libraries = set(re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-dW", file)))

    def check(self):
        if numbers(self.glibc) > numbers(NEWEST_GLIBC):
            raise Failure(f"libjrs.so needs glibc {self.glibc}, but the packages are for {NEWEST_GLIBC} or later: "
                          "build on Debian 12, or find the new function with objdump -T")
        if self.libraries - LIBRARIES:
            raise Failure(f"libjrs.so needs {', '.join(sorted(self.libraries - LIBRARIES))}, which no package names")


def split_debug(built, folder):
    """Writes libjrs.so without symbols, and libjrs.so.debug, which debuggers find by its name or by the build id."""
    module, debug = folder / "libjrs.so", folder / "libjrs.so.debug"
    shutil.copyfile(built, module)
    output("objcopy", "--only-keep-debug", "--compress-debug-sections", built, debug)
    output("strip", "--strip-unneeded", "--remove-section=.comment", module)
    # The link holds a checksum of the file and its name without a folder.
    subprocess.run(["objcopy", f"--add-gnu-debuglink={debug.name}", module.name], check=True, cwd=folder)
    module.chmod(mode(module.name))
    debug.chmod(mode(debug.name))
    return module


def build_id(file):
    return re.search(r"Build ID: ([0-9a-f]+)", output("readelf", "-nW", file))[1]
