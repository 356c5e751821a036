"""Options of an autoencoder and of its training."""

from pydantic import Field

from moldiff.config.network import NetworkOptions
from moldiff.config.options import Options


class AutoencodeOptions(Options):
    """An autoencoder: molecules to vectors and invariant numbers, of each atom or of a few together, and back."""

    channels: int = Field(8, ge=3, le=256)
    """Invariant numbers of an atom in the latent space, beside its vector; of a group of atoms, with `group`."""
    group: int = Field(1, ge=1, le=8)
    """Largest number of bonded atoms that share a node of the latent space; 1 for a node an atom. With more the
    denoiser has fewer nodes, and the decoder says how many atoms a molecule has."""
    noise: float = Field(0.1, gt=0, le=1)
    """Largest noise, Å for the vectors, on the latents that the decoder learns from: what a denoiser makes is never
    quite what the encoder would, and without noise its molecules come out broken."""
    bonded: float = Field(10.0, ge=0, le=1e4)
    """Weight of the error of bonded distances, beside that of the positions."""


class AutoencoderOptions(Options):
    """What an autoencoder is, as a weights file says it."""

    network: NetworkOptions
    """Architecture, width and depth of the encoder's body and of the decoder's."""
    channels: int = Field(ge=3, le=256)
    """Invariant numbers of a node of the latent space."""
    group: int = Field(1, ge=1, le=8)
    """Largest number of atoms in a node."""
    noise: float = Field(gt=0, le=1)
    """Largest noise, Å, on the latents that the decoder learned from."""
