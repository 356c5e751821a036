"""What a denoiser is: one function, however it is implemented."""

from collections.abc import Callable

from moldiff.molecules.batch import MoleculeBatch, Prediction
from moldiff.molecules.levels import Levels

Denoiser = Callable[[MoleculeBatch, Levels, Prediction | None], Prediction]
"""(noisy molecules, the level of each place, its own previous prediction or None) → what are the clean molecules?

Positions enter and leave relative to the frame that the levels say. Whatever steers is a denoiser around a denoiser.
"""
