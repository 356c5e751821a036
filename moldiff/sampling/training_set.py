"""What molecules are compared with: a dataset, a file, or what weights that ship with moldiff learned from."""

from pathlib import Path

from moldiff.errors import UserError
from moldiff.models import shipped
from moldiff.scoring.sets.compact import CompactReference, read_compact
from moldiff.scoring.sets.reference import Reference, load_reference


def load_training_set(
    given: str | Path,
    *,
    optional: bool = False,
    workers: int = 0,
    timeout: float = 30.0,
    smiles_column: str | None = None,
) -> Reference | CompactReference | None:
    """The set of a path, or of the name of shipped weights; a file of that name in the working folder comes first.

    Args:
        given: dataset folder, molecule file, or name of shipped weights.
        optional: give None where weights are named whose training set is not known.
        workers: processes; 0 uses all available cores.
        timeout: seconds for a molecule.
        smiles_column: column of a table that holds SMILES.

    Raises:
        UserError: there is no such set, it cannot be read, or it holds no valid molecule.
    """
    path, name = Path(given), str(given)
    taken = path.is_file() if optional else path.exists()  # weights are a file, a training set may be a folder
    if name in shipped.names() and not taken and (shipped.has_reference(name) or not optional):
        return read_compact(shipped.reference_path(name))
    if optional:
        return None
    if not path.exists() and path.name == name and not path.suffix:
        raise UserError(
            f"{name}: no such file or folder, and no shipped weights; those are {', '.join(shipped.names())}"
        )
    return load_reference(path, workers=workers, timeout=timeout, smiles_column=smiles_column)
