"""The body that ships: layers in which atoms attend to each other, carry irreps and sum over their pairs."""

from e3nn import o3
from jaxtyping import Float
from torch import Tensor, nn

from moldiff.config.network import TransformerOptions
from moldiff.network.body import Atoms, first_features, polar
from moldiff.network.graph import CompleteGraph
from moldiff.network.layer import Layer


class Transformer(nn.Module):
    """A `moldiff.network.body.Body` of equal layers.

    Args:
        options: widths and depth.
        condition: channels of the condition.
    """

    def __init__(self, options: TransformerOptions, condition: int) -> None:
        super().__init__()
        self.irreps = o3.Irreps(options.irreps)
        self.atom_channels, self.pair_channels = options.scalars, options.pairs
        self.layers = nn.ModuleList(Layer(options, condition) for _ in range(options.layers))

    def forward(
        self,
        atoms: Atoms,
        pairs: Float[Tensor, "molecule pair channel"],
        condition: Float[Tensor, "molecule condition"],
        graph: CompleteGraph,
    ) -> tuple[Atoms, Float[Tensor, "molecule pair channel"]]:
        """See `moldiff.network.body.Body`."""
        scalars, pos, features = atoms.scalars, atoms.pos, first_features(atoms, self.irreps[1:])
        for layer in self.layers:
            scalars, features, pos, pairs = layer(scalars, features, pos, pairs, condition, graph)
        return Atoms(scalars, pos, polar(features, self.irreps[1:])), pairs

    def extra_repr(self) -> str:
        """The irreps within."""
        return f"{self.irreps}"
