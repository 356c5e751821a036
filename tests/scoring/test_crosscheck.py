"""PoseBusters' own verdicts: one broken molecule leaves the others theirs, and a test left out is not a pass."""

import importlib.util
import math

import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from moldiff.config.check import CheckOptions
from moldiff.errors import UserError
from moldiff.scoring.ask import ask_all, draw
from moldiff.scoring.molecule.crosscheck import CrossCheck, crosscheck
from moldiff.scoring.questions import POSEBUSTERS
from moldiff.scoring.sampled import Samples


def embedded(smiles: str) -> Chem.Mol:
    """A conformer with hydrogens."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=1) == 0
    return mol


def test_a_broken_molecule_does_not_take_the_others_along() -> None:
    good, broken, stretched, bare = (
        embedded("c1ccccc1"),
        embedded("c1ccccc1"),
        embedded("CCO"),
        Chem.MolFromSmiles("CC"),
    )
    broken.GetConformer().SetAtomPosition(0, (math.nan, 0, 0))  # ends PoseBusters with an exception
    stretched.GetConformer().SetAtomPosition(0, (9, 9, 9))
    asked = [good, broken, stretched, bare, good]
    verdicts = ask_all(crosscheck, asked, workers=1, timeout=60.0, title="PoseBusters")
    first, second, third, fourth, fifth = [verdict for verdict in verdicts if isinstance(verdict, CrossCheck)]
    assert first.passed
    assert fifth == first
    assert not second.passed
    assert second.reason is not None
    assert not third.passed
    assert "bond_lengths" in third.failed
    assert not fourth.passed
    assert fourth.failed == ()
    assert "bond_lengths" in fourth.not_evaluated


def test_a_molecule_that_takes_too_long_is_given_up() -> None:
    paclitaxel = "CC1=C2C(C(=O)C3(C(CC4C(C3C(C(C2(C)C)(CC1OC(=O)C(C(C5=CC=CC=C5)NC(=O)C6=CC=CC=C6)O)O)OC(=O)C7=CC=CC=C7)(CO4)OC(=O)C)O)C)OC(=O)C"  # noqa: E501
    [reason] = ask_all(crosscheck, [embedded(paclitaxel)], workers=1, timeout=0.01, title="PoseBusters")
    assert isinstance(reason, str)
    assert reason.startswith("timeout")
    assert POSEBUSTERS.lost(reason) == {"posebusters": False, "posebusters_failed": reason}


def test_the_seed_decides_which_are_drawn() -> None:
    assert draw(1000, 10, seed=3) == draw(1000, 10, seed=3) != draw(1000, 10, seed=4)
    assert draw(5, 10, seed=0) == [0, 1, 2, 3, 4]
    assert draw(0, 10, seed=0) == []


def test_where_posebusters_is_not_installed_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"moldiff\[posebusters\]"):
        Samples(CheckOptions(posebusters=1), 5)
