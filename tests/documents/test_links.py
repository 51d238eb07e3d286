"""The links of all documents lead to files and headings that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents.markdown import ROOT, anchors, documents, links

DOCUMENTS = documents()


@pytest.mark.parametrize("path", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_the_links_lead_somewhere(path: Path) -> None:
    for link in links(path.read_text(encoding="utf-8")):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


def test_each_document_is_reachable_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached:
            continue
        reached.add(path)
        targets = (link.partition("#")[0] for link in links(path.read_text(encoding="utf-8")))
        waiting += [(path.parent / name).resolve() for name in targets if name.endswith(".md") and "://" not in name]
    assert set(DOCUMENTS) <= reached


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A title\n\n[here](#a-title) [there](#another) [gone](gone.md)\n\n    [code](not.a.link)\n")
    with pytest.raises(AssertionError, match="another"):
        test_the_links_lead_somewhere(page)
