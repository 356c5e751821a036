"""How far does GFN2-xTB move a structure? Energy lowered by its relaxation and displacement, the field's hard test."""

from rdkit import Chem, rdBase

from moldiff.chemistry.gfn2 import NORMAL, NotConverged, minimise
from moldiff.scoring.molecule.strain import Relaxation, complete, displacement


def relax(mol: Chem.Mol) -> Relaxation:
    """GFN2-xTB energy of a structure minus that of its local minimum, kcal/mol, and the RMSD between them, Å.

    Implicit hydrogens are added and relaxed by MMFF94s, then by GFN2-xTB itself, the other atoms held fast: what that
    lowers is no fault of the structure, which says nothing of them, and is ``placement``. The RMSD is that of heavy
    atoms.

    Args:
        mol: sanitized molecule with a conformer, coordinates in Å; left as it is.

    Returns:
        The relaxation, or the reason why there is none (no convergence of the charges or of the geometry, an
        element without parameters). Never raises, unless tblite is missing.
    """
    added = 0
    with rdBase.BlockLogs():
        try:
            completed, added, reason = complete(mol)
            if completed is None:
                return Relaxation(None, None, reason)
            placement = 0.0
            if added:
                placement, positions = minimise(completed, level=NORMAL, fixed=range(mol.GetNumAtoms()))
                completed.GetConformer().SetPositions(positions)
            lowered, after = minimise(completed, level=NORMAL)
        except NotConverged as error:
            return Relaxation(None, None, str(error), added)
        except (RuntimeError, ValueError) as error:
            first_line = str(error).strip().partition("\n")[0]
            return Relaxation(None, None, f"not evaluated: {first_line}")
    moved = displacement(completed, completed.GetConformer().GetPositions(), after)
    return Relaxation(lowered, moved, None, added, placement)
