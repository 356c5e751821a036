"""From a molecule as it was made to one that other programs take: sanitized, its stereo read, its problem named."""

import sys
from collections.abc import Mapping
from typing import Any, Literal

from rdkit import Chem, rdBase

from moldiff.chemistry.hydrogens import with_hydrogens
from moldiff.chemistry.parsing import has_coordinates
from moldiff.sampling.molecules import PROBLEM
from moldiff.scoring.molecule.keys import stereo_from_3d
from moldiff.scoring.molecule.validity import fragments, sanitize, strict_faults

Hydrogens = Literal["as made", "add"]


def finish(
    made: Chem.Mol,
    properties: Mapping[str, int | str],
    *,
    finite: bool = True,
    sanitized: bool = True,
    hydrogens: Hydrogens = "as made",
) -> Chem.Mol:
    """A copy that can be worked with; one that failed is kept as made and says why in the property moldiff_problem.

    Args:
        made: as it left the model, with its name and a conformer.
        properties: written on the molecule.
        finite: whether its coordinates are numbers.
        sanitized: whether it is sanitized and gets its stereo; otherwise it stays as made, but is marked all the same.
        hydrogens: add: all hydrogens are placed and relaxed by MMFF94s, heavy atoms fixed; of sanitized ones only.
    """
    cleaned = sanitize(made)
    faults = [] if finite else ["coordinates are not finite"]
    faults += [cleaned.problem] if cleaned.problem else []
    faults += [f"{count} fragments"] if (count := fragments(made)) > 1 else []
    if cleaned.mol is not None:
        faults += [fault for fault in strict_faults(made, cleaned) if fault not in faults]
    mol = Chem.Mol(made)
    if sanitized and cleaned.mol is not None:
        mol = cleaned.mol
        if finite and has_coordinates(made):
            mol = stereo_from_3d(mol)
            with rdBase.BlockLogs():
                mol = with_hydrogens(mol) if hydrogens == "add" else mol
    for name, value in properties.items():
        if isinstance(value, int):
            mol.SetIntProp(name, value)
        else:
            mol.SetProp(name, value)
    if faults:
        mol.SetProp(PROBLEM, "; ".join(faults))
    return mol


def progress_bar(total: int, wanted: bool | None) -> Any:
    """A bar over molecules: on a terminal and in notebooks, or as wanted."""
    from tqdm import tqdm

    notebook = "ipykernel" in sys.modules
    if notebook and "ipywidgets" in sys.modules:
        from tqdm.notebook import tqdm
    shown = wanted if wanted is not None else notebook or sys.stderr.isatty()
    return tqdm(total=total, desc="sample", unit="mol", disable=not shown, dynamic_ncols=True)
