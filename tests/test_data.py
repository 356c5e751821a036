"""The library that ships: what its README says of it, and that its builder gives it again."""

import importlib.util
import re
import shutil
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from rdkit import Chem, rdBase

from moldiff.errors import UserError

DATA = Path(__file__).resolve().parents[1] / "data"
Row = dict[str, str]


def load_builder() -> ModuleType:
    specification = importlib.util.spec_from_file_location("moldiff_data_build", DATA / "build.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # dataclasses look their module up
    specification.loader.exec_module(module)
    return module


build = load_builder()
same_rdkit = pytest.mark.skipif(
    rdBase.rdkitVersion != build.BUILT_WITH, reason=f"SMILES and descriptors are those of RDKit {build.BUILT_WITH}"
)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return build.read_table("library.csv")


@pytest.fixture(scope="module")
def groups() -> list:
    return build.read_groups()


@pytest.fixture(scope="module")
def blocks(groups: list) -> dict:
    return {block.name: block for block in build.read_blocks(groups)}


@pytest.fixture(scope="module")
def reactions() -> dict:
    return {reaction.name: reaction for reaction in build.read_reactions()}


@pytest.fixture(scope="module")
def accept(groups: list):
    return build.Filter(groups)


def test_checksums_are_those_of_the_files() -> None:
    assert (DATA / "SHA256SUMS").read_text(encoding="utf-8") == build.checksums(DATA)


def test_form_of_the_file(rows: list[Row]) -> None:
    content = (DATA / "library.csv").read_bytes()
    assert b"\r" not in content
    assert build.as_csv(rows).encode() == content
    assert len(rows) >= 5000
    assert [row["id"] for row in rows] == [f"lib{number:05d}" for number in range(1, len(rows) + 1)]
    assert rows == sorted(rows, key=lambda row: (int(row["heavy_atoms"]), row["smiles"]))
    assert len({row["smiles"] for row in rows}) == len(rows)


def test_every_number_lies_within_its_bounds(rows: list[Row]) -> None:
    for name, (low, high) in build.BOUNDS.items():
        assert all(low <= float(row[name]) <= high for row in rows), name
    assert all(0 < float(row["qed"]) < 1 for row in rows)


@same_rdkit
def test_every_smiles_is_canonical(rows: list[Row]) -> None:
    assert [row["smiles"] for row in rows] == [Chem.CanonSmiles(row["smiles"]) for row in rows]


def test_rules_hold(rows: list[Row], accept) -> None:
    for row in rows[::13]:
        mol = Chem.MolFromSmiles(row["smiles"])
        assert accept.reason(mol, build.describe(mol)) is None, row


@same_rdkit
def test_a_rebuilt_row_is_the_shipped_row(rows: list[Row], blocks: dict, reactions: dict) -> None:
    for row in rows[::11]:
        first, second = blocks[row["block_1"]], blocks[row["block_2"]]
        reaction = reactions[row["reaction"]]
        assert first in build.partners(reaction, 0, [first])
        assert second in build.partners(reaction, 1, [second])
        mol = build.react(reaction, first, second)
        assert {"id": row["id"], **build.as_row(mol, build.describe(mol), first, second, reaction.name)} == row


@same_rdkit
def test_a_reaction_below_the_cap_is_complete(rows: list[Row], blocks: dict, reactions: dict, accept) -> None:
    shipped = {row["smiles"] for row in rows}
    for name in ("azide_alkyne_click", "hantzsch_thiazole_synthesis", "knorr_pyrazole_synthesis"):
        for mol, _, _ in build.enumerate_products(reactions[name], list(blocks.values())):
            if accept.reason(mol, build.describe(mol)) is None:
                assert Chem.MolToSmiles(mol) in shipped


def test_a_small_build_is_deterministic_and_capped(
    blocks: dict, reactions: dict, accept, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = [block for block in blocks.values() if {"azide", "terminal_alkyne"} & block.counts.keys()]
    click = [reactions["azide_alkyne_click"]]
    whole = build.build(few, click, accept)
    assert whole == build.build(few[::-1], click, accept)
    monkeypatch.setattr(build, "MOST_PER_SIZE", 2)
    capped = build.build(few, click, accept)
    sizes = Counter(row["heavy_atoms"] for row in whole)
    assert Counter(row["heavy_atoms"] for row in capped) == {size: min(count, 2) for size, count in sizes.items()}
    assert {row["smiles"] for row in capped} < {row["smiles"] for row in whole}


def test_every_block_and_every_reaction_is_used(rows: list[Row], blocks: dict, reactions: dict) -> None:
    assert len(blocks) >= 150
    assert {row["block_1"] for row in rows} | {row["block_2"] for row in rows} == set(blocks)
    assert {row["reaction"] for row in rows} == set(reactions)


def test_blocks_are_distinct_and_written_canonically() -> None:
    table = build.read_table("building_blocks.csv")
    assert len({row["name"] for row in table}) == len(table)
    assert len({Chem.CanonSmiles(row["smiles"]) for row in table}) == len(table)


@pytest.mark.parametrize(
    ("reaction", "first", "second", "product"),
    [
        ("amide_coupling", "acetic acid", "aniline", "CC(=O)Nc1ccccc1"),
        ("amide_coupling", "nicotinic acid", "L-alaninol", "C[C@@H](CO)NC(=O)c1cccnc1"),  # N before O
        ("sulfonamide_formation", "methanesulfonyl chloride", "morpholine", "CS(=O)(=O)N1CCOCC1"),
        ("suzuki_coupling", "pyridine-3-boronic acid", "4-bromotoluene", "Cc1ccc(-c2cccnc2)cc1"),
        ("snar_amination", "2-chloro-5-fluoropyrimidine", "azetidine", "Fc1cnc(N2CCC2)nc1"),  # at C2, not C5
        ("reductive_amination", "oxetan-3-one", "piperidine", "C1CCN(C2COC2)CC1"),
        ("azide_alkyne_click", "phenyl azide", "propargyl alcohol", "OCc1cn(-c2ccccc2)nn1"),  # 1,4
        ("hantzsch_thiazole_synthesis", "chloroacetone", "thiourea", "Cc1csc(N)n1"),
        ("imidazoazine_formation", "chloroacetone", "2-aminopyridine", "Cc1cn2ccccc2n1"),
        ("oxadiazole_124_formation", "acetic acid", "benzamidoxime", "Cc1nc(-c2ccccc2)no1"),
        ("epoxide_opening", "(S)-propylene oxide", "pyrrolidine", "C[C@H](O)CN1CCCC1"),  # at CH2, centre kept
        ("anhydride_opening", "succinic anhydride", "aniline", "O=C(O)CCC(=O)Nc1ccccc1"),
    ],
)
def test_templates_do_the_chemistry(
    blocks: dict, reactions: dict, reaction: str, first: str, second: str, product: str
) -> None:
    made = build.react(reactions[reaction], blocks[first], blocks[second])
    assert Chem.MolToSmiles(made) == Chem.CanonSmiles(product)


@pytest.mark.parametrize(
    ("reaction", "side", "block"),
    [
        ("williamson_etherification", 1, "3-aminophenol"),  # the amine would be alkylated as well
        ("buchwald_hartwig_amination", 1, "4-bromoaniline"),  # couples with itself
        ("amide_coupling", 1, "o-phenylenediamine"),  # two amines
    ],
)
def test_competing_groups_keep_a_block_out(blocks: dict, reactions: dict, reaction: str, side: int, block: str) -> None:
    assert build.partners(reactions[reaction], side, [blocks[block]]) == []


def test_mitsunobu_never_meets_a_stereo_centre(blocks: dict, reactions: dict) -> None:
    """It inverts the carbon, which the template does not."""
    for alcohol in build.partners(reactions["mitsunobu_etherification"], 0, list(blocks.values())):
        assert not Chem.FindMolChiralCenters(alcohol.mol, includeUnassigned=True, useLegacyImplementation=False)


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("OB(O)c1ccc(C2CC2)cc1", "element"),
        ("C[n+]1ccc(OCC2CC2)cc1", "charge"),
        ("C1CC1.O=C1CCCN1", "fragments"),
        ("CCNC(=O)CC", "no ring"),
        ("CC(O)c1ccccc1", "undefined stereo"),
        ("C#CCNC(=O)C1CC1", "handle terminal_alkyne"),
        ("Nc1ccc(-c2cccnc2)cc1", "alert aniline"),
        ("O=C(O)c1ccc(-c2ccc(-c3ccccc3)cc2)cc1", "heavy_atoms"),
    ],
)
def test_a_rule_names_what_it_refuses(accept, smiles: str, reason: str) -> None:
    mol = Chem.MolFromSmiles(smiles)
    assert accept.reason(mol, build.describe(mol)) == reason


def test_wrong_class_of_a_block_is_named(tmp_path: Path, groups: list, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "building_blocks.csv").write_text("name,smiles,classes\nphenol,Oc1ccccc1,alcohol\n", encoding="utf-8")
    monkeypatch.setattr(build, "HERE", tmp_path)
    with pytest.raises(UserError, match=r"line 2 \(phenol\): classes should be phenol"):
        build.read_blocks(groups)


def test_check_tells_a_changed_table_and_a_stale_library(tmp_path: Path) -> None:
    for path in (*DATA.glob("*.csv"), DATA / "SHA256SUMS"):
        shutil.copy(path, tmp_path)
    text = (tmp_path / "library.csv").read_text(encoding="utf-8")
    build.check(text, tmp_path)
    with pytest.raises(UserError, match="a rebuild gives other bytes"):
        build.check(text + "more", tmp_path)
    (tmp_path / "library.csv").write_text(text + "more", encoding="utf-8")
    with pytest.raises(UserError, match="a table has changed"):
        build.check(text, tmp_path)


def test_readme_agrees_with_the_files(rows: list[Row], blocks: dict, reactions: dict) -> None:
    text = (DATA / "README.md").read_text(encoding="utf-8")
    assert f"**{len(rows):,} distinct" in text
    assert f"**{len(blocks)} commodity building blocks**" in text
    assert f"**{len(reactions)} named reactions**" in text
    assert build.sha256(DATA / "library.csv") in text
    assert f"RDKit {build.BUILT_WITH}" in text
    assert f"at most {build.MOST_PER_SIZE} molecules of one size" in text
    for column in ("reaction", "heavy_atoms"):
        counts = Counter(row[column] for row in rows)
        stated = dict(re.findall(r"^\| (\w+) \| (\d+) \|$", text, flags=re.MULTILINE))
        assert {name: int(stated[name]) for name in counts} == counts
    for alert in build.WAIVED_ALERTS:
        assert f"`{alert}`" in text
