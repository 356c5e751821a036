"""The page on scoring any generator, run on files as published generators write them: every molecule arrives."""

import csv
from pathlib import Path

import pytest
from rdkit import Chem
from typer.testing import CliRunner

from moldiff.cli.main import app
from tests.docs.__main__ import SMILES, conformer, run_python
from tests.docs.blocks import ROOT, SHELL, blocks, lines
from tests.docs.published import write_published

PAGE = ROOT / "docs/tutorials/score-and-compare.md"
SMALL = ("CCO", "C[N+](C)(C)CC(=O)[O-]", "c1ccncc1", "CC#N")


@pytest.mark.slow
def test_every_molecule_of_a_published_generator_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_published(tmp_path, [conformer(smiles) for smiles in SMILES[:3]], [conformer(smiles) for smiles in SMALL])
    _, section = PAGE.read_text(encoding="utf-8").split("## Samples of published generators")
    for language, content in blocks(section):
        if language == "python":
            assert run_python(content, {}) == ""
        elif language in SHELL:
            for words in lines(content):
                done = CliRunner().invoke(app, [word for word in words[1:] if word not in ("--train", "qm9")])
                assert done.exit_code == 0, (words, done.output, done.exception)
    written = [Chem.CanonSmiles(smiles) for smiles in SMALL]
    assert checked("edm") == checked("midi") == written
    assert checked("flowmol3") == [Chem.CanonSmiles(smiles) for smiles in SMILES[:3]]
    assert checked("semlaflow") == written[1:]
    # twelve were asked for
    assert checked("semlaflow-all") == [*written[1:], *[""] * 9]
    assert checked("eqgat") == [*written[2:], *[""] * 10]


def checked(name: str) -> list[str]:
    with Path(name, "rows.csv").open(encoding="utf-8", newline="") as file:
        return [row["smiles"] for row in csv.DictReader(file)]
