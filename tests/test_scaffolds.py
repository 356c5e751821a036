"""The benchmark of scaffolds: each molecule in its group, all groups of the same sizes, warnings by their quantiles."""

from collections import Counter

import numpy as np
import pytest
from rdkit import Chem

from benchmarks.scaffolds import Group, called_unusual, fill, kind
from moldiff.molecules.batch import Vocabulary
from moldiff.sampling.intake import Intake
from moldiff.sampling.training_set import load_training_set
from moldiff.scoring.sets.known import KnownSet

INTAKE = Intake(Vocabulary((6, 7, 8), (0,)), "implicit", 0)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> KnownSet:
    folder = tmp_path_factory.mktemp("known")
    (folder / "train.smi").write_text("Cc1ccccc1\nOC1CCCCC1\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOLDIFF_CACHE", str(folder))
        found = load_training_set(folder / "train.smi", workers=1)
    assert found is not None
    return found


def mols(*smiles: str) -> list[Chem.Mol]:
    return [Chem.MolFromSmiles(one) for one in smiles]


def test_kinds(known: KnownSet) -> None:
    found = [kind(mol, known) for mol in mols("c1ccc(C)cc1", "CCc1ccccc1", "C1CCCC1C", "CCC")]
    assert found == ["trained", "known scaffold", "unknown scaffold", "no ring"]


def test_groups_have_the_sizes_that_are_wanted_and_no_training_molecule(known: KnownSet) -> None:
    read = mols("Cc1ccccc1", "CC1CCCC1", "OC1CCCCC1", "OC1CCCC1", "CCC1CCCC1", "FC1CCCC1", "NCc1ccccc1", "CCCCCC")
    unknown, other = Group("unknown scaffold", Counter({6: 1, 7: 1})), Group("other", Counter({6: 2, 8: 1}))
    fill({"unknown scaffold": unknown}, read, known, INTAKE)
    assert [Chem.MolToSmiles(mol) for mol in unknown.mols] == ["CC1CCCC1", "CCC1CCCC1"]
    assert unknown.full
    fill({"": other}, read, known, INTAKE)
    assert sorted(mol.GetNumAtoms() for mol in other.mols) == [6, 6, 8]
    trained = Group("trained", 5)
    fill({"trained": trained}, read, known, INTAKE)
    assert len(trained.mols) == 2
    assert not trained.full


def test_quantiles_call_as_many_usual_molecules_unusual_as_they_say() -> None:
    random = np.random.default_rng(0)
    names = ("all", "pos", "element", "charge", "bond")
    usual, own = ({name: random.normal(size=20_000) for name in names} for _ in range(2))
    by_bound, by_part = called_unusual(usual, own, 0.9)
    assert by_bound == pytest.approx(0.1, abs=0.01)
    assert by_part == pytest.approx(0.1, abs=0.01)
    strange = own | {"element": own["element"] + 10}
    assert called_unusual(usual, strange, 0.9) == (by_bound, 1.0)
