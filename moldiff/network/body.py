"""What an architecture defines: a body, which updates atoms and pairs. Everything else is written once, around it."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from e3nn import o3
from jaxtyping import Float
from torch import Tensor

from moldiff.network.equivariant import Features, channels, components, places
from moldiff.network.graph import CompleteGraph


@dataclass(frozen=True)
class Atoms:
    """The state of the atoms at a body's door; what irreps it carries within is its own affair.

    Attributes:
        scalars: [molecule, atom, channel] invariant features.
        pos: [molecule, atom, 3] positions, Å, scaled as `moldiff.network.preconditioning` says.
        vectors: [molecule, atom, 3, channel] polar vectors that enter and leave, with as many channels as the irreps of
            the options have; None for none. A body without such features may leave them aside, but not in a latent
            space of several atoms a node.
    """

    scalars: Float[Tensor, "molecule atom scalar"]
    pos: Float[Tensor, "molecule atom 3"]
    vectors: Float[Tensor, "molecule atom 3 vector"] | None = None


@runtime_checkable
class Body(Protocol):
    """The part of a denoiser that is an architecture: an `nn.Module` of this form.

    It must not change where the molecules are turned, mirrored or moved, their atoms permuted or padding appended,
    but for positions that go along; `tests/symmetry.py` asserts this. `tests/network/test_body.py` shows a small one.

    Attributes:
        atom_channels: scalar channels of an atom that enter and leave.
        pair_channels: channels of a pair that enter and leave.
    """

    atom_channels: int
    pair_channels: int

    def __call__(
        self,
        atoms: Atoms,
        pairs: Float[Tensor, "molecule pair channel"],
        condition: Float[Tensor, "molecule condition"],
        graph: CompleteGraph,
    ) -> tuple[Atoms, Float[Tensor, "molecule pair channel"]]:
        """The atoms, their positions moved, and the pairs.

        Args:
            atoms: the embedded atoms; padding has position zero.
            pairs: the embedded pairs (`moldiff.molecules.pairs.PairIndex`).
            condition: the input of the whole molecule (its highest noise level and all else that conditions it), of
                `moldiff.network.embeddings.CONDITION` channels.
            graph: who pairs with whom, and sums over pairs.
        """
        ...


def first_features(atoms: Atoms, irreps: o3.Irreps) -> Features:
    """The features that a body begins with: zeros, but for the vectors that enter, which are its `1o`.

    Args:
        atoms: at the body's door.
        irreps: of the body without its scalars, vectors among them.
    """
    pos = atoms.pos
    features = pos.new_zeros(*pos.shape[:2], components(irreps), channels(irreps))
    if atoms.vectors is not None:
        features[:, :, dict(places(irreps))[o3.Irrep("1o")]] = atoms.vectors
    return features


def polar(features: Features, irreps: o3.Irreps) -> Float[Tensor, "molecule atom 3 vector"]:
    """The vectors among a body's features, its `1o`.

    Args:
        features: of the body.
        irreps: of the body without its scalars, vectors among them.
    """
    return features[:, :, dict(places(irreps))[o3.Irrep("1o")]]
