"""The judge of restarts: which molecules are taken back."""

from pathlib import Path

import pytest
from rdkit import Chem

from moldiff.errors import UserError
from moldiff.sampling.acceptance import Acceptance, acceptance
from tests import tiny

KNOWN = frozenset({"c1ccccc1", "C1CC1"})


@pytest.mark.parametrize(
    ("smiles", "kept"),
    [("CCO", True), ("Cc1ccccc1C1CC1", True), ("c1ccc2ccccc2c1", False), ("c1ccccc1C1CCC1", False)],
)
def test_known_ring_systems(smiles: str, kept: bool):
    assert Acceptance(known=KNOWN)(Chem.MolFromSmiles(smiles)) is kept
    assert Acceptance()(Chem.MolFromSmiles(smiles))


def test_a_part_that_was_asked_for_brings_its_ring_systems():
    naphthalene, indole = Chem.MolFromSmiles("c1ccc2ccccc2c1"), Chem.MolFromSmiles("c1ccc2[nH]ccc2c1")
    accepts = Acceptance(known=KNOWN).allowing(Chem.MolFromSmiles("Cc1ccc2ccccc2c1"))
    assert accepts(naphthalene)
    assert not accepts(indole)
    assert Acceptance().allowing(naphthalene) == Acceptance()


@pytest.mark.parametrize(("smiles", "kept"), [("Cc1ccccc1NC(C)=O", True), ("CC(=O)Cl", False), ("COOC", False)])
def test_reasonable(smiles: str, kept: bool):
    assert Acceptance(reasonable=True)(Chem.MolFromSmiles(smiles)) is kept


def test_whose_ring_systems_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MOLDIFF_CACHE", str(tmp_path / "cache"))
    wanted = tiny.sample_options(restart_if="unknown_rings")
    assert acceptance(tiny.sample_options(), None) == Acceptance()
    assert "c1ccccc1" in (acceptance(wanted, "qm9-heavy").known or ())
    with pytest.raises(UserError, match="rings_of"):
        acceptance(wanted, None)
    (tmp_path / "mine.smi").write_text("C1CCC1CC1CC1 one\nCCO two\n")
    mine = acceptance(wanted.model_copy(update={"rings_of": str(tmp_path / "mine.smi")}), "qm9-heavy")
    assert mine.known == {"C1CCC1", "C1CC1"}
    assert mine.checksum != acceptance(wanted, "qm9-heavy").checksum
