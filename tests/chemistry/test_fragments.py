"""Parts as users give them: marks, poses, and every refusal with its remedy."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from moldiff.chemistry.fragments import (
    Fragment,
    fragments_of_smiles,
    parse_atoms,
    read_fragment,
    read_molecule,
    without_atoms,
)
from moldiff.chemistry.joining import joined
from moldiff.errors import UserError


def posed(smiles: str, *, keep_hydrogens: bool = False) -> Chem.Mol:
    """The molecule with a pose, its dummy atoms kept."""
    mol = Chem.MolFromSmiles(smiles)
    capped = Chem.RWMol(mol)
    for atom in capped.GetAtoms():
        if atom.GetAtomicNum() == 0:
            atom.SetAtomicNum(6)
            atom.SetNoImplicit(False)
    whole = capped.GetMol()
    Chem.SanitizeMol(whole)
    whole = Chem.AddHs(whole)
    assert rdDistGeom.EmbedMolecule(whole, randomSeed=7) == 0
    if keep_hydrogens:
        return whole
    conformer = Chem.Conformer(mol.GetNumAtoms())
    for index in range(mol.GetNumAtoms()):
        conformer.SetAtomPosition(index, whole.GetConformer().GetAtomPosition(index))
    mol.AddConformer(conformer)
    return mol


def write(path: Path, *mols: Chem.Mol) -> Path:
    path.write_text("".join(Chem.MolToMolBlock(mol, kekulize=True) + "$$$$\n" for mol in mols))
    return path


def numbers(fragment: Fragment) -> list[int]:
    return fragment.arrays.atomic_numbers.tolist()


def test_marks_open_their_atoms_and_are_taken_out(tmp_path: Path):
    fragment = read_fragment(write(tmp_path / "a.sdf", posed("[*]c1ccc(cc1)C[*]")), hydrogens="implicit")
    assert numbers(fragment) == [6] * 7
    assert np.flatnonzero(fragment.open).tolist() == [0, 6]
    assert sorted(fragment.arrays.bond_orders.tolist()) == [1, 1, 1, 1, 2, 2, 2]


def test_without_marks_atoms_with_a_hydrogen_are_open(tmp_path: Path):
    fragment = read_fragment(write(tmp_path / "a.sdf", posed("CC(=O)N(C)C")), hydrogens="implicit")
    assert np.flatnonzero(fragment.open).tolist() == [0, 4, 5]


def test_the_pose_is_kept_to_the_last_digit(tmp_path: Path):
    mol = posed("[*]C1CCOC1")
    fragment = read_fragment(write(tmp_path / "a.sdf", mol), hydrogens="implicit")
    written = Chem.MolFromMolFile(str(tmp_path / "a.sdf"), sanitize=False)
    np.testing.assert_array_equal(fragment.arrays.positions, written.GetConformer().GetPositions()[1:])


def test_hydrogens_of_open_atoms_are_left_to_a_model_that_makes_them(tmp_path: Path):
    path = write(tmp_path / "a.sdf", posed("CCO", keep_hydrogens=True))
    assert numbers(read_fragment(path, hydrogens="implicit")) == [6, 6, 8]
    assert numbers(read_fragment(path, hydrogens="explicit")) == [6, 6, 8]
    marked = read_fragment(write(tmp_path / "b.sdf", posed("[*]CO")), hydrogens="explicit")
    assert sorted(numbers(marked)) == [1, 1, 1, 6, 8]
    assert np.flatnonzero(marked.open).tolist() == [0]


def test_smiles_come_in_several_poses_of_one_graph():
    poses = fragments_of_smiles("c1ccccc1C([*:1])CCO[*:2]", hydrogens="implicit", conformers=4, seed=1)
    assert len(poses) == 4
    assert all(numbers(one) == numbers(poses[0]) for one in poses)
    assert np.flatnonzero(poses[0].open).tolist() == [6, 9]
    assert not np.allclose(poses[0].arrays.positions, poses[1].arrays.positions)
    again = fragments_of_smiles("c1ccccc1C([*:1])CCO[*:2]", hydrogens="implicit", conformers=4, seed=1)
    np.testing.assert_array_equal(again[3].arrays.positions, poses[3].arrays.positions)


@pytest.mark.parametrize("smiles", ["O[C@H]([*])CC", "O[C@@H]([*])CC", r"C/C=C/[*]", r"C/C=C\[*]"])
def test_a_new_neighbour_belongs_on_the_side_of_the_mark(smiles: str, tmp_path: Path):
    mol = posed(smiles)
    (fragment,) = fragments_of_smiles(smiles, hydrogens="implicit", conformers=1, seed=3)
    (side,) = fragment.sides
    filled = Chem.RWMol(mol)
    (mark,) = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() == 0]
    filled.GetAtomWithIdx(mark).SetAtomicNum(9)
    (read,) = read_fragment(write(tmp_path / "a.sdf", mol), hydrogens="implicit").sides
    assert (read.atom, read.double, read.sign) == (side.atom, side.double, side.sign)
    kept = [index for index in range(mol.GetNumAtoms()) if index != mark]
    positions = mol.GetConformer().GetPositions()[[*kept, mark]]
    assert side.holds(positions, len(kept))
    # reflected in the plane of the given neighbours, or turned about the double bond, it is on the other side
    here, first, second = (positions[index] for index in (side.atom, *side.others))
    away = positions[-1] - here
    axis = first - here if side.double else np.cross(first - here, second - here)
    axis = axis / np.linalg.norm(axis)
    along = axis * (away @ axis)
    positions[-1] = here + (2 * along - away if side.double else away - 2 * along)
    assert not side.holds(positions, len(kept))


def test_a_replaced_part_leaves_open_what_was_bonded_to_it(tmp_path: Path):
    mol = read_molecule(write(tmp_path / "a.sdf", posed("c1ccccc1CCN2CCOCC2", keep_hydrogens=True)))
    kept = without_atoms(mol, parse_atoms("7-8"), "a", hydrogens="implicit")
    assert len(kept) == 12
    assert np.flatnonzero(kept.open).tolist() == [5, 6]
    explicit = without_atoms(mol, parse_atoms("7-8"), "a", hydrogens="explicit")
    assert (explicit.arrays.atomic_numbers == 1).sum() == 5 + 8


def test_parts_are_joined_in_their_poses():
    one, two = (fragments_of_smiles(s, hydrogens="implicit", conformers=1, seed=1)[0] for s in ("C1CC1[*]", "[*]OC"))
    far = replace(two, arrays=replace(two.arrays, positions=two.arrays.positions + 8))
    both = joined([one, far])
    assert numbers(both) == [6, 6, 6, 8, 6]
    assert both.arrays.bonds.max() == 4
    assert np.flatnonzero(both.open).tolist() == [2, 3]
    with pytest.raises(UserError, match="move the parts apart"):
        joined([one, one])


@pytest.mark.parametrize(
    ("smiles", "message"),
    [
        ("c1ccccc1.C[*]", "in 2 pieces, and one piece is asked for"),
        ("FC(F)(F)F", "no atom is open"),
        ("C[*]C", "one single bond"),
        ("C=[*]", "one single bond"),
        ("[*]C(C)(C)(C)C", "hydrogen to spare|unreadable SMILES"),
        ("c1ccccc", "unreadable SMILES"),
        ("", "empty"),
    ],
)
def test_what_cannot_be_grown_is_refused(smiles: str, message: str):
    with pytest.raises(UserError, match=message):
        fragments_of_smiles(smiles, hydrogens="implicit", conformers=1, seed=0)


def test_files_that_are_not_one_posed_molecule_are_refused(tmp_path: Path):
    two = write(tmp_path / "two.sdf", posed("CCO"), posed("CCN"))
    with pytest.raises(UserError, match="several molecules"):
        read_molecule(two)
    flat = write(tmp_path / "flat.sdf", Chem.MolFromSmiles("CCO"))
    with pytest.raises(UserError, match="no three-dimensional pose.*--scaffold-smiles"):
        read_molecule(flat)
    (tmp_path / "none.sdf").write_text("")
    with pytest.raises(UserError):
        read_molecule(tmp_path / "none.sdf")


@pytest.mark.parametrize(("text", "expected"), [("3,4,5-9", [2, 3, 4, 5, 6, 7, 8]), ("1", [0]), ("2, 2-3", [1, 2])])
def test_atoms_are_numbers_and_ranges(text: str, expected: list[int]):
    assert parse_atoms(text) == expected


@pytest.mark.parametrize("text", ["", "0", "a", "5-3", "1-2-3", "-2"])
def test_other_lists_of_atoms_are_refused(text: str):
    with pytest.raises(UserError, match="such as 3,4,5-9"):
        parse_atoms(text)


def test_atoms_to_replace_must_be_some_of_the_molecules(tmp_path: Path):
    mol = read_molecule(write(tmp_path / "a.sdf", posed("CCO")))
    for atoms, message in (([3], "no atom 4"), ([0, 1, 2], "every atom"), ([], "no atom is replaced")):
        with pytest.raises(UserError, match=message):
            without_atoms(mol, atoms, "a", hydrogens="implicit")
