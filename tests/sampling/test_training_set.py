"""What the weights that ship learned from, by their name."""

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from moldiff.config.check import CheckOptions
from moldiff.errors import UserError
from moldiff.models import shipped
from moldiff.sampling.training_set import load_training_set
from moldiff.scoring.molecule.keys import key_hash
from moldiff.scoring.sets.compact import CompactReference
from moldiff.scoring.sets.fcd import require_structures
from moldiff.scoring.sets.reference import Reference
from moldiff.stages.check import check

LEARNED = {
    "qm9": "CC#N",
    "qm9-heavy": "CC#N",
    "qm9-heavy-fast": "CC#N",
    "drugs": "Cc1ccc(C(=O)N2C3CCC2C(Nc2cnc(C(F)(F)F)cn2)C3)c(-n2nccn2)n1",
    "leads": "CCC1COC(C)CN1CCNC(=O)OC(C)(C)C",
}
"""A molecule of each training set."""


@pytest.mark.parametrize("name", shipped.names())
def test_each_shipped_model_knows_what_it_learned_from(name: str):
    assert shipped.reference_path(name).stat().st_size <= 1_000_000
    known = load_training_set(name)
    assert isinstance(known, CompactReference)
    assert known.distinct > 10_000
    hashes = np.array(
        [key_hash(Chem.CanonSmiles(LEARNED[name])), key_hash("CC(C)(C)CC1(CCCCCCCCCCCC)CC1")], dtype=np.uint64
    )
    assert known.has_keys(hashes).tolist() == [True, False]
    assert "c1ccccc1" in known.ring_systems
    assert known.profile().distances(known.profile())["mw"].value == 0


def test_a_check_against_a_name(tmp_path: Path):
    (tmp_path / "some.smi").write_text("CC#N known\nCCCCCCCCCCCCCC new\nC1CCCCCCCCC1 ring\n")
    summary = check(CheckOptions(), [str(tmp_path / "some.smi")], tmp_path / "out", train=Path("qm9"), workers=1)
    assert summary.metrics["novelty"].numerator == 2
    assert summary.train.path == "what qm9 learned from"
    assert "snn" not in summary.values
    assert summary.distances["mw"].value > summary.distances["mw"].noise_floor
    with pytest.raises(UserError, match="needs the molecules"):
        require_structures(100, load_training_set("qm9"))


def test_a_file_comes_first_and_what_is_neither_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOLDIFF_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UserError, match="no shipped weights; those are drugs, leads, qm9, qm9-heavy"):
        load_training_set("qm8")
    with pytest.raises(UserError, match="no such file"):
        load_training_set("absent.smi")
    Path("qm9").write_text("CCO\n")
    known = load_training_set("qm9", workers=1)
    assert isinstance(known, Reference)
    assert known.distinct == 1
    assert load_training_set("qm9", optional=True) is None  # weights of that name are that file
    assert load_training_set("mine.safetensors", optional=True) is None
