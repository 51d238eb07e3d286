"""Writes the software bill of materials of a gate in CycloneDX 1.6: build/sbom.cdx.json.

    python .ci/sbom.py SITE_PACKAGES

SITE_PACKAGES is the folder of an environment that was installed as docs/install.md says. The bill has each package with
version, licence and the hashes that constraints.txt allows, and both model files. It is checked against the schema.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import sys
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "build" / "sbom.cdx.json"
INSTALLERS = {"pip", "setuptools", "wheel"}
"""Part of every virtual environment, not of the program."""


def main() -> int:
    """Writes the bill and prints what it holds. Returns 1 if a part is incomplete or it does not follow the schema."""
    folder = sys.argv[1]
    hashes = allowed_hashes((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    bom = Bom()
    for found in importlib.metadata.distributions(path=[folder]):
        name = canonicalize_name(found.metadata["Name"])
        if name == "edge-lpr":
            bom.metadata.component = package(found, ComponentType.APPLICATION, [])
        elif name not in INSTALLERS:
            bom.components.add(package(found, ComponentType.LIBRARY, hashes.get((name, found.version), [])))
    for sidecar in sorted((ROOT / "models").glob("*.json")):
        bom.components.add(model(sidecar))
    if bom.metadata.component is not None:
        bom.register_dependency(bom.metadata.component, bom.components)
    lacking = sorted(each.name for each in bom.components if not is_complete(each))
    if lacking:
        print(f"licence or hashes are unknown: {', '.join(lacking)}", file=sys.stderr)
        return 1
    text = JsonV1Dot6(bom).output_as_string(indent=2)
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error is not None:
        print(f"the bill does not follow the schema: {error}", file=sys.stderr)
        return 1
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text, encoding="utf-8")
    print(f"{FILE.relative_to(ROOT)}: {len(bom.components)} components")
    return 0


def allowed_hashes(constraints: str) -> dict[tuple[str, str], list[str]]:
    """Returns the SHA-256 hashes of constraints.txt by name and version."""
    hashes: dict[tuple[str, str], list[str]] = {}
    for block in constraints.replace("\\\n", " ").splitlines():
        words = block.split()
        if words and "==" in words[0]:
            name, _, version = words[0].partition("==")
            found = [word.partition("sha256:")[2] for word in words if word.startswith("--hash=sha256:")]
            hashes.setdefault((name, version), []).extend(found)
    return hashes


def is_complete(component: Component) -> bool:
    """Whether the hashes and, for a package, the licence are known."""
    if component.type == ComponentType.MACHINE_LEARNING_MODEL:
        return bool(component.hashes)
    return bool(component.licenses) and any(each.hashes for each in component.external_references)


def licence_names(found: importlib.metadata.Distribution) -> list[str]:
    """Returns the licences that a package names: an expression, one line of text, or its trove classifiers."""
    metadata = found.metadata
    named = metadata.get("License-Expression") or metadata.get("License") or ""
    if named and "\n" not in named:
        return [named]
    classifiers = metadata.get_all("Classifier") or []
    return [each.rpartition(" :: ")[2] for each in classifiers if each.startswith("License :: ")]


def package(found: importlib.metadata.Distribution, kind: ComponentType, hashes: list[str]) -> Component:
    """Returns an installed package as a component."""
    name = canonicalize_name(found.metadata["Name"])
    url = PackageURL("pypi", None, name, found.version)
    component = Component(name=name, version=found.version, type=kind, purl=url, bom_ref=str(url))
    for named in licence_names(found):
        component.licenses.add(LicenseFactory().make_from_string(named))
    if hashes:
        files = [HashType(alg=HashAlgorithm.SHA_256, content=each) for each in hashes]
        reference = ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(str(url)), hashes=files)
        component.external_references.add(reference)
    return component


def model(sidecar: Path) -> Component:
    """Returns a model file as a component."""
    described = json.loads(sidecar.read_text(encoding="utf-8"))
    content = sidecar.with_suffix(".tflite").read_bytes()
    component = Component(
        name=sidecar.stem, version=described["version"], type=ComponentType.MACHINE_LEARNING_MODEL, bom_ref=sidecar.stem
    )
    component.hashes.add(HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(content).hexdigest()))
    return component


if __name__ == "__main__":
    sys.exit(main())
