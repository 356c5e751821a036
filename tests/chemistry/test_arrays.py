import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from moldiff.chemistry.arrays import implied_hydrogens, to_arrays, to_rdkit
from moldiff.chemistry.formats.sdf import write_sdf_block, written_blocks
from moldiff.chemistry.identity import flat_smiles

SMILES = [
    "c1cc[nH]c1",
    "C[N+](=O)[O-]",
    "[NH3+]CC([O-])=O",
    "C/C=C/C#N",
    "Cn1cnc2c1c(=O)[nH]c(=O)n2C",
    "CS(=O)(=O)N",
    "F[P-](F)(F)(F)(F)F",
    "c1ccc2ccccc2c1",
    "[CH3]",
    "C[CH]C",
    "[O][O]",
    "OB(O)c1ccncc1",
    "C[Si](C)(C)Br",
    "CCl",
    "O",
]


def flat_molecule(smiles, *, hydrogens):
    """A molecule with made-up positions: only the graph matters here."""
    mol = Chem.MolFromSmiles(smiles)
    mol = Chem.AddHs(mol) if hydrogens else mol
    conformer = Chem.Conformer(mol.GetNumAtoms())
    conformer.Set3D(True)
    conformer.SetPositions(np.random.default_rng(0).normal(size=(mol.GetNumAtoms(), 3)).round(4))
    mol.AddConformer(conformer)
    return mol


@pytest.mark.parametrize("smiles", SMILES)
def test_explicit_graph_comes_back_from_arrays_and_from_sdf(smiles):
    mol = flat_molecule(smiles, hydrogens=True)
    arrays = to_arrays(mol)
    back = to_rdkit(arrays, "title", {"a": 1}, hydrogens="explicit")
    assert back.GetProp("_Name") == "title"
    assert back.GetProp("a") == "1"
    np.testing.assert_array_equal(back.GetConformer().GetPositions(), arrays.positions)
    block = write_sdf_block(back, {"key": "value"})
    read = Chem.MolFromMolBlock(block, removeHs=False)
    Chem.SanitizeMol(back)
    for other in (back, read):
        assert flat_smiles(other) == flat_smiles(mol)
        assert other.GetNumAtoms() == mol.GetNumAtoms()
        assert sum(atom.GetNumRadicalElectrons() for atom in other.GetAtoms()) == sum(
            atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()
        )
        assert sum(atom.GetNumImplicitHs() for atom in other.GetAtoms()) == 0


@pytest.mark.parametrize("smiles", [text for text in SMILES if "[CH" not in text and "[O]" not in text])
def test_heavy_graph_comes_back(smiles):
    mol = flat_molecule(smiles, hydrogens=False)
    back = to_rdkit(to_arrays(mol))
    block = write_sdf_block(back)
    Chem.SanitizeMol(back)
    assert flat_smiles(back) == flat_smiles(mol) == flat_smiles(Chem.MolFromMolBlock(block))


def test_kekulizing_leaves_the_molecule_alone():
    mol = flat_molecule("c1ccccc1", hydrogens=False)
    orders = sorted(to_arrays(mol).bond_orders.tolist())
    assert orders == [1, 1, 1, 2, 2, 2]
    assert all(bond.GetIsAromatic() for bond in mol.GetBonds())


def test_what_arrays_cannot_hold():
    with pytest.raises(ValueError, match="no conformer"):
        to_arrays(Chem.MolFromSmiles("C"))
    mol = flat_molecule("N->[Fe]", hydrogens=False)
    with pytest.raises(ValueError, match="dative"):
        to_arrays(mol)


def test_sdf_block_marks_no_bond_and_writes_properties():
    block = write_sdf_block(flat_molecule("C/C=C/C", hydrogens=True), {"a<b>": "1\n\n2", "n": 3})
    bonds = [line for line in block.split("\n") if len(line) == 12]
    assert all(line.endswith("  0") for line in bonds)
    assert ">  <a(b)>\n1\n2\n\n>  <n>\n3\n\n$$$$\n" in block


def test_many_charges_need_several_lines_and_many_atoms_v3000():
    many = flat_molecule(".".join(["[Cl-]"] * 9), hydrogens=False)
    read = Chem.MolFromMolBlock(write_sdf_block(many))
    assert Chem.GetFormalCharge(read) == -9
    large = flat_molecule("[O-]" + "C" * 1000 + "[CH2]", hydrogens=False)
    block = write_sdf_block(large)
    assert "V3000" in block
    assert flat_smiles(Chem.MolFromMolBlock(block)) == flat_smiles(large)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([5, 6, 7, 8, 9, 14, 15, 16, 17, 35]), st.integers(-1, 1), st.integers(0, 4))
def test_implied_hydrogens_are_those_of_the_sanitized_molecule(number, charge, valence):
    mol = Chem.RWMol()
    atom = Chem.Atom(number)
    atom.SetFormalCharge(charge)
    mol.AddAtom(atom)
    for _ in range(valence):
        mol.AddBond(0, mol.AddAtom(Chem.Atom(6)), Chem.BondType.SINGLE)
    try:
        Chem.SanitizeMol(mol)
        expected = mol.GetAtomWithIdx(0).GetTotalNumHs()
    except ValueError:
        expected = None
    assert implied_hydrogens(number, charge, valence) == expected


def test_an_impossible_valence_leaves_no_trace_on_stderr(capfd):
    implied_hydrogens.cache_clear()
    assert implied_hydrogens(6, 0, 6) is None
    assert capfd.readouterr().err == ""


def test_written_records_are_cut_as_they_stand() -> None:
    blocks = [
        write_sdf_block(flat_molecule(smiles, hydrogens=True), {"dear": "5 $$$$", "n": n})
        for n, smiles in enumerate(("C", "CO"))
    ]
    assert written_blocks("".join(blocks)) == blocks
    assert written_blocks("") == []
    for end in (1, 6, len(blocks[1]) - 1):
        with pytest.raises(ValueError, match="ends within a record"):
            written_blocks(blocks[0] + blocks[1][:end])
