"""A question too slow to ask of every molecule, asked of many: in processes, with a time-out for each molecule."""

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from rdkit import Chem

from moldiff.parallel import Lost, default_workers, run_all
from moldiff.progress import Progress

Answer = TypeVar("Answer")


def draw(total: int, count: int, seed: int) -> list[int]:
    """Places of ``count`` of ``total`` molecules (of all, if there are fewer), ascending; the seed decides which."""
    return sorted(random.Random(seed).sample(range(total), min(count, total)))


def ask_all(
    question: Callable[[Chem.Mol], Answer], mols: Sequence[Chem.Mol], *, workers: int, timeout: float, title: str
) -> list[Answer | str]:
    """The answer for each molecule in order, or the reason why there is none.

    Args:
        question: function of a module's top level that takes one molecule.
        mols: molecules; conformers travel in double precision.
        workers: processes; 0 uses all available cores.
        timeout: seconds for a molecule; then it is given up.
        title: word before the progress bar, and the lines of a log.
    """
    coordinates = int(Chem.PropertyPickleOptions.CoordsAsDouble)
    items = ((place, mol.ToBinary(coordinates)) for place, mol in enumerate(mols))
    answers: list[Answer | str] = ["no answer"] * len(mols)
    pieces = run_all(
        partial(_answer, question), list, items, workers=workers or default_workers(), chunk=1, timeout=timeout
    )
    with Progress(title, "molecules", len(mols)) as progress:
        for piece in pieces:
            answered = [(piece.item[0], piece.reason)] if isinstance(piece, Lost) else piece
            for place, answer in answered:
                answers[place] = answer
                progress.update()
    return answers


def _answer(question: Callable[[Chem.Mol], Answer], item: tuple[int, bytes]) -> tuple[int, Answer]:
    place, binary = item
    return place, question(Chem.Mol(binary))
