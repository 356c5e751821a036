"""The workflow as a module of another one."""

import re
import subprocess
import sys
from pathlib import Path

from tests import tiny_workflow
from tests.tiny_workflow import OPTIONS, ROOT, RULES

MODULE = """
module moldiff:
    snakefile: {snakefile}
    config: {config}
    prefix: "generated"


use rule * from moldiff as moldiff_*


rule all:
    default_target: True
    input:
        rules.moldiff_all.input,
"""


def test_as_a_module_with_a_prefix_it_writes_below_it_and_reads_what_is_named(tmp_path: Path):
    tiny_workflow.write(tmp_path / "run")
    tmp_path = tmp_path / "run"
    (tmp_path / "mine.py").write_text("def score(mol):\n    return mol.GetNumHeavyAtoms()\n")
    options = {**OPTIONS, "rank": {"n": 3, "scores": {"size": "mine.py:score"}}}
    text = MODULE.format(snakefile=repr(str(ROOT / "workflow/Snakefile")), config=options)
    (tmp_path / "Snakefile").write_text(text)
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--printshellcmds", "--cores", "2"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    rules = {f"moldiff_{name}" for name in RULES}
    assert set(re.findall(r"^(moldiff_\w+) +\d+$", output, re.MULTILINE)) == rules
    named = re.findall(r"--(?:out|log|state|dataset|training|samples|check|benchmarks) (\S+)", output)
    assert len(named) > 20
    assert all(path.startswith(("generated/", "'generated/")) for path in named), named
    assert "input: raw/molecules.smi" in output
    assert "input: mine.py" in output
