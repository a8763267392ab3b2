"""The software bill of materials, in CycloneDX 1.6: what is linked into libjrs.so."""

import uuid


def sbom(source, compiler, module, crates, digest):
    """The document. `digest` is the SHA-256 of libjrs.so."""
    rust = {
        "type": "library", "bom-ref": f"rust-std@{compiler.release}", "name": "rust-std", "version": compiler.release,
        "description": "The Rust standard library", "purl": f"pkg:generic/rust-std@{compiler.release}",
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
        "externalReferences": [{"type": "vcs", "url": "https://github.com/rust-lang/rust"}],
    }
    refs = {crate.key: crate.purl for crate in [module, *crates]}
    dependencies = [{"ref": crate.purl, "dependsOn": sorted(refs[key] for key in crate.needs)}
                    for crate in [module, *crates]]
    dependencies[0]["dependsOn"].append(rust["bom-ref"])
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{source.repository}#{digest}')}",
        "version": 1,
        "metadata": {
            "timestamp": source.date,
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": [{"type": "application", "name": "scripts/package of JRS",
                                      "version": source.version}]},
            "component": component(module) | {"hashes": [{"alg": "SHA-256", "content": digest}]},
        },
        "components": [*map(component, crates), rust],
        "dependencies": [*dependencies, {"ref": rust["bom-ref"]}],
    }


def component(crate):
    described = {
        "type": "library", "bom-ref": crate.purl, "name": crate.name, "version": crate.version,
        "description": crate.description, "purl": crate.purl,
        # Old crates write "MIT/Apache-2.0".
        "licenses": [{"expression": crate.license.replace("/", " OR ")}],
    }
    if crate.checksum:
        described["hashes"] = [{"alg": "SHA-256", "content": crate.checksum}]
    if crate.repository:
        described["externalReferences"] = [{"type": "vcs", "url": crate.repository}]
    return described
