"""moldiff: 3D molecules from an E(3)-equivariant graph diffusion model.

>>> import moldiff
>>> molecules = moldiff.load("drugs").sample(20, seed=0)  # sanitized RDKit molecules with 3D coordinates
>>> molecules.to_sdf("new.sdf")
>>> print(moldiff.check(molecules))
>>> best = moldiff.rank(molecules, n=5, filters=["qed > 0.5"]).molecules

Importing this package loads neither torch nor RDKit; its functions do when they are used.
"""

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moldiff.api.check import Checked as Checked
    from moldiff.api.check import check as check
    from moldiff.api.rank import Ranking as Ranking
    from moldiff.api.rank import rank as rank
    from moldiff.sampling.molecules import Molecules as Molecules
    from moldiff.sampling.sampler import load as load

_HOMES = {
    "load": "moldiff.sampling.sampler",
    "Molecules": "moldiff.sampling.molecules",
    "check": "moldiff.api.check",
    "Checked": "moldiff.api.check",
    "rank": "moldiff.api.rank",
    "Ranking": "moldiff.api.rank",
}
__all__ = ["Checked", "Molecules", "Ranking", "__version__", "check", "load", "rank"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name == "__version__":
        return metadata.version("moldiff")
    raise AttributeError(f"module 'moldiff' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
