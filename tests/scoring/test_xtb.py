"""GFN2-xTB relaxation, where tblite is installed, and the message where it is not."""

import importlib.util

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from moldiff.chemistry.gfn2 import minimise
from moldiff.errors import UserError
from moldiff.scoring.ask import ask_all
from moldiff.scoring.molecule.strain import Relaxation
from moldiff.scoring.molecule.xtb import relax
from moldiff.scoring.questions import QUESTIONS

XTB = next(question for question in QUESTIONS if question.name == "xtb")
needs_tblite = pytest.mark.skipif(importlib.util.find_spec("tblite") is None, reason="the extra xtb is not installed")


def embedded(smiles: str) -> Chem.Mol:
    """A conformer with hydrogens."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=1) == 0
    return mol


@needs_tblite
def test_relaxes_and_gives_reasons() -> None:
    water, methane = embedded("O"), Chem.RemoveHs(embedded("C"))
    asked = [water, Chem.MolFromSmiles("CC"), methane]
    answers = ask_all(relax, asked, workers=1, timeout=120, title="GFN2-xTB")
    found = [answer for answer in answers if isinstance(answer, Relaxation)]
    assert found[0].reason is None
    assert found[0].energy is not None
    assert 0 < found[0].energy < 5
    assert found[1].reason == "no coordinates"
    assert (found[2].reason, found[2].added_hydrogens) == (None, 4)


@needs_tblite
def test_energy_of_water_is_the_published_one() -> None:
    from tblite.interface import Calculator

    from moldiff.chemistry.gfn2 import BOHR

    water = embedded("O")
    numbers = [atom.GetAtomicNum() for atom in water.GetAtoms()]
    calculator = Calculator("GFN2-xTB", numbers, water.GetConformer().GetPositions() / BOHR)
    calculator.set("verbosity", 0)
    assert float(calculator.singlepoint().get("energy")) == pytest.approx(-5.07, abs=0.02)


@needs_tblite
def test_a_molecule_that_takes_too_long_is_given_up() -> None:
    [reason] = ask_all(relax, [embedded("CCCCCCCCCCCCCCCC")], workers=1, timeout=0.05, title="GFN2-xTB")
    assert isinstance(reason, str)
    assert reason.startswith("timeout")
    assert XTB.lost(reason) == {
        "xtb_energy": None, "xtb_rmsd": None, "xtb_reason": reason, "xtb_placement": None
    }  # fmt: skip


def test_without_tblite_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"moldiff\[xtb\]"):
        XTB.require()


@needs_tblite
def test_what_placed_hydrogens_cost_is_told_apart() -> None:
    """Heavy atoms at the minimum have nothing to relax, wherever their hydrogens were placed; explicit ones count."""
    mol = embedded("CCO")
    mol.GetConformer().SetPositions(minimise(mol)[1])
    heavy = relax(Chem.RemoveHs(mol))
    assert heavy.added_hydrogens == 6
    assert heavy.placement is not None
    assert heavy.placement > 0.3  # MMFF94s' C-H bonds are not those of GFN2-xTB
    assert heavy.energy == pytest.approx(0, abs=0.05)
    best = mol.GetConformer().GetPositions()
    best[3] += 0.1 * (best[3] - best[0]) / np.linalg.norm(best[3] - best[0])
    mol.GetConformer().SetPositions(best)
    explicit = relax(mol)
    assert explicit.placement == 0
    assert explicit.energy is not None
    assert 1 < explicit.energy < 10  # ½ k x² of 0.1 Å at about 700 kcal/mol/Å²
    answer = XTB.ask(mol)
    assert (answer["xtb_energy"], answer["xtb_placement"]) == (explicit.energy, 0)


@needs_tblite
def test_the_molecule_is_left_as_it_is() -> None:
    water = embedded("O")
    before = water.GetConformer().GetPositions().tolist()
    relax(water)
    assert water.GetConformer().GetPositions().tolist() == before
