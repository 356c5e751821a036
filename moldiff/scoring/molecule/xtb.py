"""How far does GFN2-xTB move a structure? Energy lowered by its relaxation and displacement, the field's hard test."""

from collections.abc import Sequence

from rdkit import Chem, rdBase

from moldiff.chemistry.gfn2 import NORMAL, NotConverged, minimise, require_tblite
from moldiff.scoring.ask import ask_all
from moldiff.scoring.molecule.strain import Relaxation, complete, displacement


def relax_all(mols: Sequence[Chem.Mol], *, workers: int = 0, timeout: float = 300.0) -> list[Relaxation]:
    """`relax` of many molecules, in their order, in processes of one thread each.

    Args:
        mols: sanitized molecules with a conformer.
        workers: processes; 0 takes the processor cores at hand.
        timeout: seconds after which a molecule is given up, with that reason.

    Raises:
        UserError: tblite is not installed.
    """
    require_tblite()
    answers = ask_all(relax, mols, workers=workers, timeout=timeout, title="GFN2-xTB")
    return [Relaxation(None, None, answer) if isinstance(answer, str) else answer for answer in answers]


def relax(mol: Chem.Mol) -> Relaxation:
    """GFN2-xTB energy of a structure minus that of its local minimum, kcal/mol, and the RMSD between them, Å.

    Implicit hydrogens are added and relaxed by MMFF94s first. The RMSD is that of heavy atoms.

    Args:
        mol: sanitized molecule with a conformer, coordinates in Å; left as it is.

    Returns:
        The relaxation, or the reason why there is none (no convergence of the charges or of the geometry, an
        element without parameters). Never raises, unless tblite is missing.
    """
    added = 0
    with rdBase.BlockLogs():
        try:
            whole, added, reason = complete(mol)
            if whole is None:
                return Relaxation(None, None, reason)
            lowered, after = minimise(whole, level=NORMAL)
        except NotConverged as error:
            return Relaxation(None, None, str(error), added)
        except (RuntimeError, ValueError) as error:
            first_line = str(error).strip().partition("\n")[0]
            return Relaxation(None, None, f"not evaluated: {first_line}")
    return Relaxation(lowered, displacement(whole, whole.GetConformer().GetPositions(), after), None, added)
