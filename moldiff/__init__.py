"""moldiff: 3D molecules from an E(3)-equivariant graph diffusion model.

>>> import moldiff
>>> model = moldiff.load("results/demo/training/model.safetensors")
>>> molecules = model.sample(100, seed=0)  # RDKit molecules with 3D coordinates

Importing this package loads neither torch nor RDKit; `load` does.
"""

from importlib import metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moldiff.sampling.sampler import load

__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:
    if name == "load":
        from moldiff.sampling.sampler import load

        return load
    if name == "__version__":
        return metadata.version("moldiff")
    raise AttributeError(f"module 'moldiff' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
