"""What fits given weights: options of featurize, and which molecules of a set they do not know."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rdkit import Chem

from moldiff.config.featurize import FeaturizeOptions
from moldiff.dataset.storage import RaggedMolecules
from moldiff.errors import UserError
from moldiff.files.safetensors import read_header
from moldiff.models.shipped import weights_path

if TYPE_CHECKING:
    from moldiff.molecules.batch import Vocabulary


def suited(options: FeaturizeOptions) -> FeaturizeOptions:
    """The options with elements, charges and hydrogens of the weights that ``suit`` names; without it as they are.

    Only the header of the weights is read: no torch.

    Raises:
        UserError: there are no such weights, or they do not say what they know.
    """
    if options.suit is None:
        return options
    path = weights_path(Path(options.suit))
    remedy = "give a model.safetensors that `moldiff train` wrote, or the name of shipped weights"
    header, _ = read_header(path, remedy)
    table = Chem.GetPeriodicTable()
    try:
        described = json.loads(header["__metadata__"]["model"])
        vocabulary = described["vocabulary"]
        charges = sorted(int(charge) for charge in vocabulary["charges"])
        changed = options.model_dump() | {
            "elements": [table.GetElementSymbol(int(number)) for number in vocabulary["elements"]],
            "charges": charges,
            "max_charge": max(abs(charge) for charge in charges),
            "hydrogens": described["statistics"]["hydrogens"],
        }
        return FeaturizeOptions.model_validate(changed)
    except (KeyError, TypeError, ValueError, RuntimeError, RecursionError):
        raise UserError(f"{path}: does not say which elements, charges and hydrogens it knows; {remedy}") from None


def describe_unknown(molecules: RaggedMolecules, vocabulary: "Vocabulary") -> str:
    """How many molecules have elements or charges that weights do not know, and which these are; "" if there is none.

    Args:
        molecules: of the set.
        vocabulary: of the weights.
    """
    from moldiff.dataset.loader import unknown  # brings torch, which featurize does without

    strange = unknown(molecules, vocabulary)
    if not strange.any():
        return ""
    numbers = sorted(set(np.unique(molecules.atomic_numbers).tolist()) - set(vocabulary.elements))
    charges = sorted(set(np.unique(molecules.formal_charges).tolist()) - set(vocabulary.charges))
    table = Chem.GetPeriodicTable()
    parts = []
    if numbers:
        symbols = ", ".join(table.GetElementSymbol(number) for number in numbers)
        parts.append(f"{int(strange[0].sum())} with the elements {symbols}")
    if charges:
        parts.append(f"{int(strange[1].sum())} with the charges {', '.join(f'{charge:+d}' for charge in charges)}")
    count = int(strange.any(axis=0).sum())
    return f"left out {count} of {len(molecules)} molecules that the weights do not know: {'; '.join(parts)}"
