"""The page on docking: its scripts, taken from it and run with stand-ins for the programs, and with Vina itself."""

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rdkit import Chem
from typer.testing import CliRunner

from moldiff.cli.main import app
from tests.docs.__main__ import conformer
from tests.docs.blocks import ROOT, SHELL, blocks, lines

PAGE = (ROOT / "docs/tutorials/docking.md").read_text(encoding="utf-8")
SMILES = ("CC(=O)Nc1ccc(O)cc1", "c1ccc2[nH]ccc2c1", "COc1ccc(C(=O)NC2CC2)cc1", "CC(C)NC(=O)c1ccc(F)cc1")
UNDOCKED = SMILES[1]
MEEKO = """
from rdkit import Chem
class MoleculePreparation:
    def __call__(self, mol):
        assert mol.GetConformer().Is3D() and not any(atom.GetNumImplicitHs() for atom in mol.GetAtoms())
        return [mol]
class PDBQTWriterLegacy:
    write_string = staticmethod(lambda mol: (Chem.MolToSmiles(Chem.RemoveHs(mol)), True, ""))
class PDBQTMolecule:
    def __init__(self, path): self.name = path.stem
    @classmethod
    def from_file(cls, path, skip_typing): return cls(path)
class RDKitMolCreate:
    write_sd_string = staticmethod(lambda pose: (f"{pose.name}\\n$$$$\\n", []))
"""
# the affinity is a tenth of the number of characters, so that each molecule has its own
VINA = f"""#!{sys.executable}
import argparse, pathlib
parser = argparse.ArgumentParser()
for name in ("receptor", "config", "ligand", "out", "num_modes", "exhaustiveness", "seed", "cpu"):
    parser.add_argument("--" + name, required=True)
given = parser.parse_args()
smiles = pathlib.Path(given.ligand).read_text()
print("mode |   affinity | dist from best mode")
if smiles != {UNDOCKED!r}:
    text = f"MODEL 1\\nREMARK VINA RESULT:    {{-len(smiles) / 10:.3f}}      0.000      0.000\\nENDMDL\\n"
    pathlib.Path(given.out).write_text(text)
"""
SMINA = f"""#!{sys.executable}
import argparse
from rdkit import Chem
parser = argparse.ArgumentParser()
for name in ("receptor", "autobox_ligand", "ligand", "out", "num_modes", "exhaustiveness", "seed", "cpu"):
    parser.add_argument("--" + name, required=True)
parser.add_argument("--quiet", action="store_true")
given = parser.parse_args()
print("banner")
with Chem.SDWriter(given.out) as writer:
    for mol in Chem.SDMolSupplier(given.ligand, removeHs=False):
        mol.SetProp("minimizedAffinity", f"{{-len(Chem.MolToSmiles(Chem.RemoveHs(mol))) / 10:.5f}}")
        writer.write(mol)
"""
POCKET = [(x, y, z) for x in (-6.0, 6.0) for y in (-6.0, 0.0, 6.0) for z in (-6.0, 6.0)]


def command(script: str) -> list[str]:
    """The page's `moldiff rank` that calls a script."""
    for language, content in blocks(PAGE):
        if language in SHELL:
            for words in lines(content):
                if words[:2] == ["moldiff", "rank"] and any(script in word for word in words):
                    return words[1:]
    raise AssertionError(f"the page does not rank with {script}")


def ranked(folder: Path, script: str) -> dict[str, str]:
    """Affinities of the molecules, empty for those without, after the page's command."""
    mols = [Chem.MolToMolBlock(conformer(smiles)) for smiles in SMILES]
    (folder / "new.sdf").write_text("".join(f"{block}$$$$\n" for block in mols))
    for words in (["check", "new.sdf", "--out", "checked"], command(script)):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, (words, done.output, done.exception)
    with Path("docked/candidates.csv").open(encoding="utf-8", newline="") as file:
        return {row["smiles"]: row["affinity"] for row in csv.DictReader(file)}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bin").mkdir()
    (tmp_path / "modules").mkdir()
    monkeypatch.chdir(tmp_path)
    (python,) = (content for language, content in blocks(PAGE) if language == "py")
    (tmp_path / "dock.py").write_text(python)
    (shell,) = (content for language, content in blocks(PAGE) if content.startswith("#!/bin/sh"))
    (tmp_path / "dock.sh").write_text(shell)
    return tmp_path


def executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def test_vina_s_recipe_with_stand_ins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "modules/meeko.py").write_text(MEEKO)
    executable(folder / "bin/vina", VINA)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{folder / 'modules'}:{ROOT}")
    expected = {
        smiles: "" if smiles == UNDOCKED else str(-len(smiles) / 10) for smiles in map(Chem.CanonSmiles, SMILES)
    }
    assert ranked(folder, "dock.py") == expected
    assert (folder / "poses.sdf").read_text().split() == ["1", "$$$$", "3", "$$$$", "4", "$$$$"]


def test_smina_s_recipe_with_a_stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(folder / "bin/smina", SMINA)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
    assert ranked(folder, "dock.sh") == {smiles: str(-len(smiles) / 10) for smiles in map(Chem.CanonSmiles, SMILES)}


@pytest.mark.slow
def test_vina_itself(folder: Path) -> None:
    """A pocket of twelve carbons."""
    ready = (
        shutil.which("vina") and subprocess.run(["python", "-c", "import meeko"], capture_output=True).returncode == 0
    )
    if not ready:
        pytest.skip("AutoDock Vina or Meeko is not installed")
    line = "ATOM  {:5d}  C   ALA A{:4d}    {:8.3f}{:8.3f}{:8.3f}  1.00  0.00     0.000 C \n"
    pocket = (line.format(n, n, *position) for n, position in enumerate(POCKET, start=1))
    (folder / "receptor.pdbqt").write_text("".join(pocket))
    sizes = "".join(f"center_{axis} = 0\nsize_{axis} = 14\n" for axis in "xyz")
    (folder / "receptor.box.txt").write_text(sizes)
    script = (folder / "dock.py").read_text()
    (folder / "dock.py").write_text(re.sub(r"--exhaustiveness \d+", "--exhaustiveness 1", script))
    affinities = ranked(folder, "dock.py")
    assert len(affinities) == len(SMILES)
    assert all(-6 < float(affinity) < 0 for affinity in affinities.values())
    poses = list(Chem.SDMolSupplier("poses.sdf"))
    assert [pose.GetProp("_Name") for pose in poses] == ["1", "2", "3", "4"]
    assert [Chem.MolToSmiles(pose) for pose in poses] == [Chem.CanonSmiles(smiles) for smiles in SMILES]
