"""The traps that published evaluations fell into, one test each."""

import random

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import FilterCatalog

from moldiff.scoring.molecule.alerts import alerts
from moldiff.scoring.molecule.composition import composition
from moldiff.scoring.molecule.descriptors import describe, lipinski_violations
from moldiff.scoring.molecule.keys import (
    contained,
    first_occurrences,
    flat_smiles,
    key_hash,
    stereo_from_3d,
    without_hydrogens,
)
from moldiff.scoring.molecule.patterns import ALERT_SETS
from moldiff.scoring.molecule.rings import ring_systems
from moldiff.scoring.molecule.stability import VALENCES, stable_atoms
from moldiff.scoring.molecule.topology import functional_groups, scaffold
from moldiff.scoring.sets.fingerprints import circles, fingerprint, internal_diversity, nearest

DRUGS = {
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "curcumin": "COc1cc(C=CC(=O)CC(=O)C=Cc2ccc(O)c(OC)c2)ccc1O",
    "rhodanine": "O=C1NC(=S)SC1=Cc1ccccc1",
    "catechol": "Oc1ccccc1O",
    "quinone": "O=C1C=CC(=O)C=C1",
    "azo dye": "CN(C)c1ccc(N=Nc2ccccc2)cc1",
    "hydrazone": "Oc1ccccc1C=NNC(=O)c1ccccc1",
    "caffeine": "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "alkylidene barbiturate": "O=C1NC(=O)NC(=O)C1=Cc1ccccc1",
    "acyl chloride": "CC(=O)Cl",
    "cyclosporin-like": "CCC(C)C1NC(=O)C(C)N(C)C(=O)CCNC1=O",
}


def mols() -> list[Chem.Mol]:
    return [Chem.MolFromSmiles(smiles) for smiles in DRUGS.values()]


def packed(smiles: list[str]) -> np.ndarray:
    rows = [np.frombuffer(fingerprint(Chem.MolFromSmiles(text)), dtype=np.uint8) for text in smiles]
    return np.stack(rows)


def test_three_valent_neutral_carbon_is_unstable_and_neutral_sulfoxide_is_not():
    assert (0, 3) not in VALENCES["C", 0]
    assert (0, 4) in VALENCES["S", 0]
    assert (0, 5) not in VALENCES["N", 0]


def test_aromatic_bonds_are_not_counted_as_single():
    benzene = Chem.MolFromSmiles("c1ccccc1", sanitize=False)
    assert stable_atoms(benzene) == (0, 6)  # without its hydrogens no atom is complete
    written = Chem.AddHs(Chem.MolFromSmiles("c1ccccc1"))
    assert stable_atoms(written) == (12, 12)
    kekulized = Chem.Mol(written)
    Chem.Kekulize(kekulized, clearAromaticFlags=True)
    assert stable_atoms(kekulized) == (12, 12)
    for bond in kekulized.GetBonds():
        bond.SetBondType(Chem.BondType.SINGLE)  # what the integer tensor did
    assert stable_atoms(kekulized)[0] == 6


def test_alerts_by_the_screen_are_those_of_the_catalog():
    for mol in mols():
        expected = {}
        for name, catalog in ALERT_SETS.items():
            parameters = FilterCatalog.FilterCatalogParams()
            parameters.AddCatalog(catalog)
            matches = FilterCatalog.FilterCatalog(parameters).GetMatches(mol)
            expected[name] = sorted({match.GetDescription() for match in matches})
        assert alerts(mol) == expected
    assert sum(bool(alerts(mol)["pains"]) for mol in mols()) >= 3


def test_explicit_hydrogens_do_not_change_a_key_or_a_descriptor():
    for mol in mols():
        with_hydrogens = without_hydrogens(Chem.AddHs(mol))
        assert flat_smiles(with_hydrogens) == flat_smiles(mol)
        assert describe(with_hydrogens).sa == pytest.approx(describe(mol).sa)


def test_lipinski_counts_logp_as_a_number():
    greasy = describe(Chem.MolFromSmiles("C" * 40))
    assert greasy.logp > 5
    assert lipinski_violations(greasy) == 2  # weight and logP
    assert lipinski_violations(describe(Chem.MolFromSmiles("CCO"))) == 0


def test_stereo_is_read_from_positions_through_an_either_mark():
    positions = {"E": (-1.3, 1.3), "Z": (1.3, 1.3)}
    found = {}
    for label, (left, right) in positions.items():
        mol = Chem.RWMol(Chem.MolFromSmiles("CC=CC"))
        conformer = Chem.Conformer(4)
        for atom, place in enumerate([(-1.2, left, 0), (-0.67, 0, 0), (0.67, 0, 0), (1.2, right, 0)]):
            conformer.SetAtomPosition(atom, place)
        mol.AddConformer(conformer)
        mol.GetBondWithIdx(1).SetStereo(Chem.BondStereo.STEREOANY)
        found[label] = Chem.MolToSmiles(stereo_from_3d(mol))
    assert found == {"E": "C/C=C/C", "Z": r"C/C=C\C"}


def test_ring_systems_tell_pyridone_from_pyridine():
    assert ring_systems(Chem.MolFromSmiles("O=c1cccc[nH]1")) == ["O=c1cccc[nH]1"]
    assert ring_systems(Chem.MolFromSmiles("c1ccc(Cc2ccncc2)cc1")) == ["c1ccccc1", "c1ccncc1"]
    assert len(ring_systems(Chem.MolFromSmiles("C1CC2(C1)CCC2"))) == 1  # spiro rings share an atom
    assert ring_systems(Chem.MolFromSmiles("CCO")) == []


def test_scaffold_and_groups():
    assert scaffold(Chem.MolFromSmiles("CCc1ccccc1")) == "c1ccccc1"
    assert scaffold(Chem.MolFromSmiles("CCO")) == ""
    assert functional_groups(Chem.MolFromSmiles("CC(=O)N"))["fr_amide"] == 1


def test_composition_does_not_depend_on_written_hydrogens():
    mol = Chem.MolFromSmiles("CC(=O)[O-]")
    counts = composition(mol)
    assert counts["elements"] == {"C": 2, "O": 2, "H": 3}
    assert counts["bond_orders"] == {"single": 2, "double": 1}
    assert counts["charges"] == {"-1": 1}
    assert counts["atom_counts"] == {"4": 1}


def test_diversity_has_no_pair_with_itself():
    same = packed(["CCO", "CCO"])
    assert internal_diversity(same, 0) == (0.0, 1)
    assert internal_diversity(same[:1], 0) is None
    three = packed(["CCO", "CCO", "c1ccccc1"])
    assert internal_diversity(three, 0) == (pytest.approx(2 / 3), 3)


def test_circles_and_nearest():
    prints = packed(list(DRUGS.values()))
    assert circles(np.concatenate([prints, prints])) == circles(prints)
    similarity, place = nearest(prints, prints[::-1])
    assert np.allclose(similarity, 1)
    assert place.tolist() == list(range(len(prints)))[::-1]


def test_keys_are_the_same_in_every_process():
    assert key_hash("CCO") == 0x6D200B6F6C9553C3
    hashes = np.array([3, 1, 3, 2, 1], dtype=np.uint64)
    assert first_occurrences(hashes).tolist() == [True, True, False, True, False]
    assert contained(hashes, np.array([1, 2], dtype=np.uint64)).tolist() == [False, True, False, True, True]
    assert not contained(hashes, np.array([], dtype=np.uint64)).any()


def test_atom_order_changes_no_key():
    shuffle = random.Random(0)
    for mol in mols():
        order = list(range(mol.GetNumAtoms()))
        shuffle.shuffle(order)
        assert flat_smiles(Chem.RenumberAtoms(mol, order)) == flat_smiles(mol)
