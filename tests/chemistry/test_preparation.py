import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from moldiff.chemistry.arrays import to_rdkit
from moldiff.chemistry.formats.records import Record
from moldiff.chemistry.identity import flat_smiles
from moldiff.chemistry.parsing import Rejected, parse_record
from moldiff.chemistry.preparation import prepare
from moldiff.config.featurize import FeaturizeOptions


def record(text, kind="smiles"):
    return Record("test", 1, text, kind)


def prepared(text, kind="smiles", **options):
    return prepare(record(text, kind), FeaturizeOptions(**options))


def reason(text, kind="smiles", **options):
    with pytest.raises(Rejected) as rejection:
        prepared(text, kind, **options)
    return str(rejection.value)


def block(smiles, *, conformer=True):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    if conformer:
        rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    return Chem.MolToMolBlock(mol)


@pytest.mark.parametrize("hydrogens", ["implicit", "explicit"])
@pytest.mark.parametrize(
    "smiles",
    [
        "c1cc[nH]c1",
        "C[N+](=O)[O-]",
        "OCC(F)Cl",
        "[NH3+]CC(=O)[O-]",
        "N=C(N)S",
        "C/C=N/[H]",
        "Cn1cnc2c1cc[nH]2",
        "[H]O[H]",
    ],
)
def test_the_stored_graph_is_the_molecule(smiles, hydrogens):
    expected = Chem.AddHs(Chem.MolFromSmiles(smiles))
    for kind, text in (("smiles", smiles), ("sdf", block(smiles))):
        (mol,) = prepared(text, kind, hydrogens=hydrogens)
        back = to_rdkit(mol.arrays, hydrogens=hydrogens)
        Chem.SanitizeMol(back)
        assert flat_smiles(back) == flat_smiles(expected) == mol.smiles
        numbers = mol.arrays.atomic_numbers.tolist()
        assert (1 in numbers) == (hydrogens == "explicit")
        assert len(numbers) == (expected.GetNumAtoms() if hydrogens == "explicit" else expected.GetNumHeavyAtoms())


def test_given_coordinates_are_kept_and_missing_hydrogens_placed():
    text = block("CCO")
    given = Chem.MolFromMolBlock(text, removeHs=False).GetConformer().GetPositions()
    np.testing.assert_array_equal(prepared(text, "sdf")[0].arrays.positions, given[:3])
    heavy = Chem.MolToMolBlock(Chem.RemoveHs(Chem.MolFromMolBlock(text)))
    arrays = prepared(heavy, "sdf", hydrogens="explicit")[0].arrays
    assert len(arrays) == 9
    np.testing.assert_array_equal(arrays.positions[:3], given[:3])
    bonds = arrays.positions[arrays.bonds[:, 0]] - arrays.positions[arrays.bonds[:, 1]]
    assert np.linalg.norm(bonds, axis=1).min() > 0.8


def test_drawings_get_conformers_with_their_stereo():
    for smiles in ("C/C=C\\C", "C/C=C/C", "N[C@@H](C)C(=O)O", "N[C@H](C)C(=O)O"):
        mol = Chem.MolFromSmiles(smiles)
        from rdkit.Chem import rdDepictor

        rdDepictor.Compute2DCoords(mol)
        for kind, text in (("sdf", Chem.MolToMolBlock(mol)), ("smiles", smiles)):
            (made,) = prepared(text, kind)
            assert np.ptp(made.arrays.positions, axis=0).min() > 0 or "=" in smiles
            assert made.isomeric_smiles == Chem.CanonSmiles(smiles)


def test_conformers_depend_on_seed_and_text_alone():
    first, again = prepared("CCCCO"), prepared("CCCCO")
    np.testing.assert_array_equal(first[0].arrays.positions, again[0].arrays.positions)
    other = prepared("CCCCO", seed=1)
    assert not np.array_equal(first[0].arrays.positions, other[0].arrays.positions)
    several = prepared("CCCCO", conformers=3)
    assert [mol.conformer for mol in several] == [0, 1, 2]
    assert len({mol.arrays.positions.tobytes() for mol in several}) == 3


def test_labels_are_taken_off():
    (mol,) = prepared("[13CH3:1][2H]")
    assert mol.smiles == mol.isomeric_smiles == "C"
    assert mol.inchikey == "VNWKTOKETHGBQD-UHFFFAOYSA-N"
    assert len(prepared("[CH3:1][H:2]", hydrogens="explicit")[0].arrays) == 5


def test_fragments_and_charges():
    assert prepared("CC(=O)[O-].[Na+]")[0].smiles == "CC(=O)[O-]"
    assert prepared("CC(=O)[O-].[Na+]", neutralize=True)[0].smiles == "CC(=O)O"
    assert prepared("C[N+](C)(C)C", neutralize=True)[0].smiles == "C[N+](C)(C)C"
    assert prepared("CCO.CCN")[0].smiles == prepared("CCN.CCO")[0].smiles
    assert reason("C.C", fragments="reject") == "several fragments: 2"
    assert reason("C.C", fragments="keep") == "several fragments without coordinates: 2"
    (both,) = prepared(block("CCO.CCN"), "sdf", fragments="keep")
    assert (both.smiles, len(both.arrays), len(both.arrays.bonds)) == ("CCN.CCO", 6, 4)
    assert len(prepared(block("CCO.CCN"), "sdf", fragments="largest")[0].arrays) == 3
    (neutral,) = prepared(block("[NH3+]CC(=O)[O-]"), "sdf", neutralize=True, hydrogens="explicit")
    assert neutral.smiles == "NCC(=O)O"
    assert len(neutral.arrays) == 10


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("C1CC", "unreadable SMILES"),
        ("not a smiles", "unreadable SMILES"),
        ("C(C)(C)(C)(C)C", "not sanitizable"),
        ("c1cccc1", "not sanitizable"),
        ("[H][H]", "no heavy atoms"),
        ("[H+]", "no heavy atoms"),
        ("[Fe]", "element not allowed: Fe"),
        ("C*", "unknown element: *"),
        ("[CH3]", "radical"),
        ("C[CH]C", "radical"),
        ("[C-4]", "formal charge beyond 2"),
        ("C" * 200, "too many atoms: 200"),
    ],
)
def test_reasons_of_smiles(smiles, expected):
    assert reason(smiles).startswith(expected)


def test_radicals_stay_with_explicit_hydrogens():
    (mol,) = prepared("C[CH2]", hydrogens="explicit")
    assert len(mol.arrays) == 7


def test_sizes_count_what_is_stored():
    assert reason("C" * 10, hydrogens="explicit", max_atoms=31).startswith("too many atoms: 32")
    assert len(prepared("CCC", max_atoms=3)[0].arrays) == 3
    assert reason("C", min_atoms=2).startswith("too few atoms: 1")
    assert reason("C", hydrogens="explicit", elements=["C"]) == "element not allowed: H"


def edited(old, new):
    text = block("CO")
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (edited("  6  5  0", "  7  5  0"), "wrong counts line"),
        (edited("  6  5  0", "  5  5  0"), ("wrong counts line", "unreadable")),
        (edited("  6  5  0", "  6  4  0"), "wrong counts line"),
        (edited("  6  5  0", "  6  6  0"), "wrong counts line"),
        (edited("  6  5  0", "  x  5  0"), "wrong counts line"),
        (edited("  6  5  0", " -9  5  0"), "wrong counts line"),
        (edited("  6  5  0", "200199  0"), "wrong counts line"),
        (edited(" O  ", " Qq "), "unreadable"),
        (edited(" O  ", " *  "), "unknown element: *"),
        (edited("M  END", ""), "unreadable: no M  END line"),
        ("title\n\n\n  0  0  0  0  0  0  0  0  0  0999 V2000\nM  END\n", "no atoms"),
        ("title\n", "unreadable"),
        ("", "unreadable"),
    ],
)
def test_reasons_of_sdf(text, expected):
    assert reason(text, "sdf").startswith(expected)


@pytest.mark.parametrize("word", ["       nan", "       NaN", "       inf", "      -inf"])
def test_coordinates_must_be_finite(word):
    lines = block("CO").split("\n")
    lines[4] = word + lines[4][10:]
    assert reason("\n".join(lines), "sdf").startswith("coordinates that are not finite")


def test_v3000_is_read():
    text = Chem.MolToV3KMolBlock(Chem.MolFromMolBlock(block("CCO"), removeHs=False))
    assert prepared(text, "sdf")[0].smiles == "CCO"


def test_problem_of_the_record_is_the_reason():
    with pytest.raises(Rejected, match="truncated gzip"):
        parse_record(Record("test", 1, "C", "smiles", problem="truncated gzip: ..."))


def xyz(smiles, comment=""):
    mol = Chem.MolFromMolBlock(block(smiles), removeHs=False)
    lines = Chem.MolToXYZBlock(mol).split("\n")
    return "\n".join([lines[0], comment, *lines[2:]])


@pytest.mark.parametrize("smiles", ["CCO", "c1cc[nH]c1", "CC(N)=O", "C#N", "O"])
def test_bonds_of_xyz_are_perceived(smiles):
    assert prepared(xyz(smiles), "xyz")[0].smiles == Chem.CanonSmiles(smiles)
    assert parse_record(record(xyz(smiles), "xyz")).GetProp("_bonds").startswith("perceived, van der Waals")


def test_charge_of_xyz_stands_in_its_comment():
    assert prepared(xyz("CC(=O)[O-]", "charge=-1"), "xyz")[0].smiles == "CC(=O)[O-]"
    assert prepared(xyz("[NH4+]", "x=2 charge=1"), "xyz")[0].smiles == "[NH4+]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2\n\nC 0 0 0\nO 0 0 x\n", "unreadable: unreadable atom line 2"),
        ("1\n\nQq 0 0 0\n", "unreadable: unknown element"),
        ("1\n\nC nan 0 0\n", "coordinates that are not finite"),
        ("0\n\n", "no atoms"),
        ("2\n\nC 0 0 0\nC 0 0 1.5\n", "no bonds perceived"),
    ],
)
def test_reasons_of_xyz(text, expected):
    assert reason(text, "xyz").startswith(expected)


@pytest.mark.parametrize(("smiles", "macrocycle"), [("CC(=O)Nc1ccc(O)cc1", False), ("O=C1CCCCCCCCCO1", True)])
def test_patterns_of_macrocycles_are_tried_where_there_is_one(monkeypatch, smiles, macrocycle):
    embed, taken = rdDistGeom.EmbedMultipleConfs, []

    def watched(mol, count, parameters):
        taken.append((parameters.useMacrocycleTorsions, parameters.useMacrocycle14config))
        plain = rdDistGeom.ETKDGv3()
        plain.randomSeed = parameters.randomSeed
        copy = Chem.Mol(mol)
        embed(copy, count, plain)
        found = embed(mol, count, parameters)
        np.testing.assert_array_equal(mol.GetConformer().GetPositions(), copy.GetConformer().GetPositions())
        return found

    monkeypatch.setattr(rdDistGeom, "EmbedMultipleConfs", watched)
    prepared(smiles, minimize=False)
    assert taken == [(macrocycle, macrocycle)]
