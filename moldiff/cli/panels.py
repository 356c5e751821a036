"""Which options the help of a command shows first; the others are shown in separate panels below."""

EXPERT = "Expert options"
COMMON = frozenset(
    (
        *("inputs", "hydrogens", "max_atoms", "conformers", "neutralize", "relax", "smiles_column"),
        *("start_from", "steps", "minutes", "batch_size", "learning_rate", "seed", "accelerator", "devices", "threads"),
        *("n", "preset", "budget", "novel", "atoms", "charge", "min_valid", "workers", "title", "pictures"),
        *("filters", "smarts", "not_smarts", "alerts", "similar_to", "weights", "scores", "tables"),
    )
)
"""Options, of whatever stage, that a new user needs; a test sees that each exists."""


def panel(path: tuple[str, ...]) -> str | None:
    """The panel of an option, given its group and name; None is that of the command's own parameters."""
    if len(path) > 1:
        return f"{EXPERT}: the {path[0]}"
    return None if path[0] in COMMON else EXPERT
