"""Shares of molecules that pass the stages 1 to 4 of HEDGEHOG: `python -m benchmarks.hedgehog ENV NAME=FILE...`.

ENV is an environment of its own with the package `hedgehog` (`uv venv ENV && uv pip install --python ENV hedgehog`);
FILE is an SDF file or the folder of a featurized dataset, of which at most `-n` molecules are taken. The configuration
is the package's but for what needs programs or models that it does not bring: the demerits of Lilly's rules, RAscore
and the search for syntheses; SYBA's scores are not there either, and HEDGEHOG leaves them out by itself. Molecules that
RDKit does not accept, or in pieces, are lost before the first stage. A Markdown table is printed: shares of all
molecules, each stage after those before it.
"""

import argparse
import csv
import random
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rdkit import Chem, RDLogger

from moldiff.chemistry.arrays import to_rdkit
from moldiff.dataset.storage import open_dataset
from moldiff.scoring.sets.reference import arrays_at

STAGES = {
    "mol_prep": "mol_prep",
    "descriptors": "descriptors",
    "struct_filters": "structural",
    "synthesis": "synthesis",
}
"""HEDGEHOG's name of each stage, and what the name of its folder holds."""
OFF = {
    "config_structFilters.yml": (
        *("filter_lilly", "calculate_lilly", "generate_plots", "generate_failure_analysis"),
        *(f"calculate_{name}" for name in ("bredt", "molcomplexity", "ring_infraction", "halogenicity", "symmetry")),
    ),
    "config_synthesis.yml": ("run_retrosynthesis", "filter_solved_only"),
}
"""Switches of the configuration that are turned off: what is not there, and what is computed and rejects nothing."""


def main() -> None:
    """Write the molecules and the configuration, run, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("env", type=Path)
    parser.add_argument("sets", nargs="+", metavar="NAME=FILE")
    parser.add_argument("-n", type=int, default=1000, help="molecules of each set, at most")
    parser.add_argument("--out", type=Path, default=Path("results/hedgehog"))
    arguments = parser.parse_args()
    RDLogger.DisableLog("rdApp.*")
    folder = arguments.out.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    molecules = folder / "molecules.csv"
    asked: dict[str, int] = {}
    with molecules.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["smiles", "model_name"])
        for name, file in (one.split("=", 1) for one in arguments.sets):
            found = list(smiles(Path(file)))
            found = found if len(found) <= arguments.n else random.Random(0).sample(found, arguments.n)
            asked[name] = len(found)
            writer.writerows([text, name] for text in found if text)
    config = configuration(arguments.env, folder, molecules)
    stages = [part for stage in STAGES for part in ("--stage", stage)]
    program = [str(arguments.env / "bin/hedgehog"), "run", "--config", str(config), "--out", str(folder / "run")]
    subprocess.run([*program, *stages], check=True)
    print(f"| set | molecules | given to HEDGEHOG | {' | '.join(STAGES)} |")
    print("| --- " * (3 + len(STAGES)) + "|")
    left = [Counter(names(molecules)), *(Counter(names(passed(folder, part))) for part in STAGES.values())]
    for name, of in asked.items():
        print(f"| {name} | {of} | " + " | ".join(f"{100 * one[name] / of:.1f}" for one in left) + " |")


def smiles(path: Path) -> Iterator[str]:
    """The SMILES of each record, with stereo from its coordinates; empty for one that is no single molecule."""
    for mol in structures(path):
        if mol is None or not mol.GetNumAtoms() or len(Chem.GetMolFrags(mol)) > 1:
            yield ""
            continue
        Chem.AssignStereochemistryFrom3D(mol)
        yield Chem.MolToSmiles(Chem.RemoveHs(mol))


def structures(path: Path) -> Iterator[Chem.Mol | None]:
    """The molecules of an SDF file or of a dataset."""
    if not path.is_dir():
        yield from Chem.SDMolSupplier(str(path))
        return
    arrays = open_dataset(path).molecules
    for place in range(len(arrays.sizes)):
        mol = to_rdkit(arrays_at(arrays, place))
        Chem.SanitizeMol(mol)
        yield mol


def configuration(env: Path, folder: Path, molecules: Path) -> Path:
    """The package's configuration with other paths and some switches off; the path of its main file."""
    command = [env / "bin/python", "-c", "import hedgehog; print(hedgehog.__path__[0])"]
    package = Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
    changes = [
        (r"\bsrc/hedgehog/configs/config", f"{folder}/config"),
        (r"\bsrc/hedgehog/", f"{package}/"),
        (r"^n_jobs: .*", "n_jobs: 1"),
        (r"^  - rascore\n", ""),
        (r"^include_rulesets: all", "include_rulesets: [PAINS]"),  # the other sets of alerts reject nothing
        (r"^generated_mols_path: .*", f"generated_mols_path: {molecules}"),
    ]
    for source in sorted((package / "configs").glob("config*.yml")):
        text = source.read_text(encoding="utf-8")
        switches = [(rf"^{switch}: true", f"{switch}: false") for switch in OFF.get(source.name, ())]
        for pattern, made in [*changes, *switches]:
            text = re.sub(pattern, made, text, flags=re.MULTILINE)
        (folder / source.name).write_text(text, encoding="utf-8")
    return folder / "config.yml"


def passed(folder: Path, part: str) -> Path:
    """The table of the molecules that passed a stage, in the latest run: HEDGEHOG numbers their folders."""
    latest = max(folder.glob("run_*"), key=lambda one: one.stat().st_mtime)
    [found] = [one for one in latest.glob("stages/*/filtered_molecules.csv") if part in one.parent.name]
    return found


def names(path: Path) -> Iterator[str]:
    """The set of each molecule of a table."""
    with path.open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            yield row["model_name"]


if __name__ == "__main__":
    main()
