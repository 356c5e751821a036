"""Ring systems, their frequency in ChEMBL, and the flags that make a molecule not reasonable."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from moldiff.scoring.columns import ROW_COLUMNS
from moldiff.scoring.molecule import chembl
from moldiff.scoring.molecule.flags import GROUP_FLAGS, group_flags
from moldiff.scoring.molecule.patterns import possible
from moldiff.scoring.molecule.realism import realism
from moldiff.scoring.molecule.rings import TOPOLOGY_FLAGS, ring_systems, ring_values
from tests.scoring.test_metrics import DRUGS

LIBRARY = Path(__file__).parents[2] / "data" / "library.csv"


def read(smiles: str) -> Chem.Mol:
    return Chem.MolFromSmiles(smiles)


def flagged(smiles: str) -> set[str]:
    values = realism(read(smiles))
    return {name for kind in ("topology_flags", "group_flags") for name in str(values[kind]).split("; ") if name}


def test_a_ring_system_does_not_depend_on_what_is_bound_to_it():
    assert ring_systems(read("Cn1cccc1")) == ring_systems(read("c1cc[nH]c1")) == ["c1cc[nH]c1"]
    assert ring_systems(read("CC1CCN(C(C)=O)CC1c1ccccc1")) == ["C1CCNCC1", "c1ccccc1"]


def test_what_a_double_bond_holds_belongs_to_the_ring_system():
    assert ring_systems(read("O=c1cccc[nH]1")) == ["O=c1cccc[nH]1"]
    assert ring_systems(read("CC=C1CCCCC1")) == ["C=C1CCCCC1"]
    assert ring_systems(read("CS1(=O)=NCCC1")) == ["O=[SH]1=NCCC1"]


def test_labels_and_charges_in_brackets_close_no_ring():
    assert ring_systems(read("C[13CH2]C[N+](C)(C)C")) == []


def test_ring_numbers():
    spiro = ring_values(read("C1CC2(C1)CCC2"))
    assert (spiro.rings, spiro.joined_rings, spiro.spiro_atoms, spiro.bridgeheads) == (2, 2, 1, 0)
    norbornane = ring_values(read("C1CC2CCC1C2"))
    assert (norbornane.rings, norbornane.bridgeheads, norbornane.largest_ring) == (2, 2, 5)
    biphenyl = ring_values(read("c1ccc(-c2ccccc2)cc1"))
    assert (biphenyl.rings, biphenyl.joined_rings) == (2, 1)
    steroid = ring_values(read("C1CCC2C(C1)CCC1C2CCC2CCCC21"))
    assert (steroid.joined_rings, steroid.stereocentres) == (4, 6)


@pytest.mark.parametrize(
    ("smiles", "low", "high"),
    [("c1ccccc1", 2.4e6, 2.7e6), ("c1ccncc1", 2.6e5, 3.2e5), ("O=C1CN=Cc2ccccc2N1", 1000, 4000), ("C1=CC2=CC12", 0, 0)],
)
def test_chembl_knows_common_ring_systems(smiles, low, high):
    assert low <= chembl.occurrence(smiles).times <= high


def test_another_charge_state_is_known_but_not_exactly():
    assert chembl.occurrence("C1CCNCC1").exact
    assert chembl.occurrence("O=S1CC[NH2+]CC1") == (chembl.occurrence("O=S1CCNCC1").times, False)


@given(st.integers(1, 3_000_000))
def test_counts_are_exact_where_bars_stand_and_within_five_percent_elsewhere(count):
    code = chembl.encode_count(count)
    assert 0 < code < 256
    decoded = int(chembl.decode_counts(np.array([code], dtype=np.uint8))[0])
    assert decoded == count if count < 128 else abs(decoded - count) <= 0.05 * count


@pytest.mark.parametrize(
    ("smiles", "flag"),
    [
        ("C1=CC2=CC12", "rare_ring_system"),
        ("c1ccc2c(c1)ccc1c3ccccc3ccc21", "joined_rings"),
        ("C1CCCCCCC1", "large_ring"),
        ("C1CCC2CCCCC2CC1", "odd_ring_of_seven"),
        ("C1CCCCCC1CC1CCCCCC1", "several_rings_of_seven"),
        ("c1ccc2c(c1)CC2", "small_ring_on_aromatic"),
        ("C1CC2=CC1CC2", "bridgehead_alkene"),
        ("CCCCCCCCCCCCCCOCC", "many_rotatable_bonds"),
    ],
)
def test_topology_flags(smiles, flag):
    assert flag in TOPOLOGY_FLAGS
    assert flag in flagged(smiles)


GROUPS = {
    "peroxide": ("CCOOC", "CCOC"),
    "heteroatom_halide": ("CN(C)Cl", "CS(=O)(=O)CCl"),
    "nitrogen_chain": ("CN(C)N(C)N(C)C", "c1nnn[nH]1"),
    "heteroatom_chain": ("CNONC", "CONC"),
    "sulfenyl": ("CSN(C)C", "CS(=O)(=O)N(C)C"),
    "hydroxylamine": ("CN(C)OC", "CC(=O)N(C)OC"),
    "hydrazine": ("CN(C)N(C)C", "CC(=O)NN(C)C"),
    "azo": ("c1ccccc1N=Nc1ccccc1", "c1ccnnc1"),
    "diazo": ("CC(=O)C=[N+]=[N-]", "CC#N"),
    "nitroso": ("CN(C)N=O", "C[N+](=O)[O-]"),
    "acyl_halide": ("CC(=O)Cl", "CC(=O)CCl"),
    "anhydride": ("CC(=O)OC(C)=O", "CC(=O)OC"),
    "gem_diol": ("CC(O)O", "OCCO"),
    "hemiacetal": ("CC(O)OC", "OCC1OC(O)C(O)C(O)C1O"),
    "hemiaminal": ("CC(O)N(C)C", "OCCN"),
    "geminal_diamine": ("CN(C)CN(C)C", "CN(C)CNC(C)=O"),
    "alpha_haloamine": ("CN(C)C(C)F", "COC(F)(F)F"),
    "orthoester": ("CC(OC)(OC)OC", "CC(OC)OC"),
    "aminonitrile": ("CC(O)C#N", "CC#N"),
    "imine": ("CC(C)=NC", "CC(N)=NC"),
    "imine_nh": ("CC(C)=N", "CC(N)=N"),
    "imidic_acid": ("CC(O)=NC", "CC(=O)NC"),
    "enol": ("CC(O)=CC", "CC(O)=CC(C)=O"),
    "enamine": ("CNC(C)=CC", "CNC(C)=CC(C)=O"),
    "cumulene": ("CC=C=CC", "CC=CC=C"),
    "strained_multiple_bond": ("C1CCCC#CC1", "CC#CC"),
    "strained_alkene": ("CC1=CC1", "CC1CC1"),
    "cyclobutadiene": ("C1=CC=C1", "C1=CCC1"),
    "small_heteroring": ("C1CN1", "C1CO1"),
    "onium": ("C[S+](C)C", "C[S+](C)[O-]"),
    "carbon_ion": ("CC[CH-]C", "CC[N+]#[C-]"),
    "phosphorus": ("CP(C)C", "COP(=O)(OC)OC"),
    "aldehyde": ("CCC=O", "CC(C)=O"),
    "alkyl_halide": ("CCCl", "FC(F)(F)CC"),
    "michael_acceptor": ("C=CC(=O)NC", "CC=CC(=O)NC"),
    "enone": ("CC=CC(C)=O", "CC=CC(=O)N"),
    "quinone": ("O=C1C=CC(=O)C=C1", "O=C1C=CNC=C1"),
    "epoxide": ("CC1CO1", "CC1CCO1"),
    "beta_lactone": ("O=C1CCO1", "O=C1CCCO1"),
    "dicarbonyl": ("CC(=O)C(C)=O", "CC(=O)CC(C)=O"),
    "active_ester": ("CC(=O)SC", "CC(=O)OC"),
    "sulfonate_ester": ("CS(=O)(=O)OC", "CS(=O)(=O)NC"),
    "thiol": ("CCS", "CCSC"),
    "nitro": ("C[N+](=O)[O-]", "C[N+](C)(C)[O-]"),
    "hydrazone": ("CC=NNC", "Cc1cn[nH]c1"),
    "thiocarbonyl": ("CC(=S)NC", "CC(=O)NC"),
    "oxime": ("CC(C)=NO", "CC(C)=NOC"),
    "catechol": ("Oc1ccccc1O", "Oc1cccc(O)c1"),
    "quaternary_ammonium": ("C[N+](C)(C)C", "C[NH+](C)C"),
    "polyene": ("CC=CC=CC=CC", "CC=CC=CC"),
    "diyne": ("CC#CC#CC", "CC#CC"),
    "alkyl_chain": ("CCCCCCCCCC", "CCCCC"),
    "metal_or_rare": ("C[Se]C", "C[Si](C)(C)C"),
}


def test_every_group_flag_has_an_example():
    assert list(GROUPS) == [flag.name for flag in GROUP_FLAGS]


@pytest.mark.parametrize("name", GROUPS)
def test_group_flags(name):
    bad, good = GROUPS[name]
    assert name in group_flags(read(bad))
    assert name not in group_flags(read(good))


def test_the_screen_changes_no_flag():
    texts = [*DRUGS.values(), *(text for pair in GROUPS.values() for text in pair)]
    for mol in map(read, texts):
        assert group_flags(mol, possible(mol)["flags"]) == group_flags(mol)


@pytest.mark.parametrize(
    "smiles",
    [
        "CC(=O)Oc1ccccc1C(=O)O",  # aspirin
        "CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc21",  # diazepam
        "CC(C)Cc1ccc(C(C)C(=O)O)cc1",  # ibuprofen
        "CCCc1nn(C)c2c1nc([nH]c2=O)-c1cc(S(=O)(=O)N2CCN(C)CC2)ccc1OCC",  # sildenafil
        "Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1",  # celecoxib
        "CC(C)n1c(CCC(O)CC(O)CC(=O)O)c(-c2ccc(F)cc2)c2ccccc21",  # fluvastatin without its double bond
    ],
)
def test_drugs_are_reasonable(smiles):
    assert flagged(smiles) == set()


def test_the_columns_are_those_of_the_rows():
    assert set(realism(read("c1ccccc1"))) <= {column.name for column in ROW_COLUMNS}


def test_most_of_the_shipped_library_is_reasonable():
    with LIBRARY.open(encoding="utf-8", newline="") as file:
        smiles = [row["smiles"] for row in csv.DictReader(file)][::80]
    assert sum(bool(realism(read(text))["reasonable"]) for text in smiles) > 0.8 * len(smiles)
