"""The page on steering, run: from a scaffold to a ranked short list and a report, with fewer molecules and steps."""

import re
import shlex
from pathlib import Path

import pytest
from rdkit import Chem
from typer.testing import CliRunner

from moldiff.cli.main import app

PAGE = Path(__file__).parent.parent.parent / "docs" / "steering.md"
CORE = Chem.MolFromSmarts("c1ccc2[nH]cnc2c1")


@pytest.mark.slow
def test_from_a_scaffold_to_a_short_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    block = re.search(r"^```bash\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert block is not None
    lines = [shlex.split(line)[1:] for line in block[1].replace("-n 40", "-n 6 --steps 20 --threads 1").splitlines()]
    assert [words[0] for words in lines] == ["sample", "check", "rank", "report"]
    for words in lines:
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, (words, done.output, done.exception)
    made = list(Chem.SDMolSupplier("grown.sdf", sanitize=False))
    assert 0 < len(made) <= 6
    for mol in made:
        given = [int(number) - 1 for number in mol.GetProp("moldiff_given_atoms").split(",")]
        part = Chem.RWMol(mol)
        for index in sorted(set(range(mol.GetNumAtoms())) - set(given), reverse=True):
            part.RemoveAtom(index)
        kept = Chem.MolFromSmiles(Chem.MolToSmiles(part))
        assert kept.GetNumAtoms() == CORE.GetNumAtoms()
        assert kept.HasSubstructMatch(CORE)
    assert Path("short/shortlist.sdf").is_file()
    assert "moldiff" in Path("report.html").read_text(encoding="utf-8")
