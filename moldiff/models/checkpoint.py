"""A trained model in one file: weights, options, vocabulary and statistics, as safetensors with JSON in its header.

No pickle is read: a weights file from an unknown source cannot run code.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from moldiff.config.autoencode import AutoencoderOptions
from moldiff.config.network import NetworkOptions, network_options
from moldiff.config.options import parse
from moldiff.dataset.placeholders import offered_marginals
from moldiff.dataset.validation import DatasetInfo
from moldiff.diffusion.process import Process
from moldiff.errors import UserError
from moldiff.files.atomic import atomic_path, sha256
from moldiff.models.description import read_description
from moldiff.molecules.batch import Vocabulary
from moldiff.molecules.properties import PropertyScale
from moldiff.molecules.space import Space
from moldiff.network.build import Network, build_autoencoder, build_latent_network, build_network

FORMAT = "moldiff-weights-3"
"""Name and version of the file's format."""
Kind = Literal["denoiser", "latent denoiser", "autoencoder"]
"""What a network does."""
KINDS: dict[frozenset[str], Kind] = {
    frozenset({"network"}): "denoiser",
    frozenset({"network", "autoencoder"}): "latent denoiser",
    frozenset({"autoencoder"}): "autoencoder",
}
"""What a network does, by the parts that a weights file describes."""
SEAL = "sha256"
"""Key of the file's checksum of itself; files of older versions have none."""


@dataclass(frozen=True)
class Statistics:
    """What sampling needs to know of the training set.

    Attributes:
        sigma_data: standard deviation of centred coordinates, Å.
        marginals: share of each class of element, charge and bond.
        sizes: number of training molecules of each number of atoms.
        hydrogens: explicit or implicit.
        placeholders: largest number of placeholder atoms in training, as a share of a molecule's atoms; the marginals
            count them, the sizes do not.
        properties: scales of those that molecules can be asked for.
        latents: values of the network's random input; 0 for a network without.
        nodes: number of training molecules of each number of nodes in a latent space that has fewer than atoms; empty
            for all other weights.
    """

    sigma_data: float
    marginals: dict[str, list[float]]
    sizes: dict[int, int]
    hydrogens: str
    placeholders: float = 0.0
    properties: tuple[PropertyScale, ...] = ()
    latents: int = 0
    nodes: dict[int, int] = field(default_factory=dict)

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Statistics":
        """Statistics as JSON holds them."""
        scales = tuple(
            PropertyScale(
                name=scale["name"],
                quantiles=tuple(map(float, scale["quantiles"])),
                categories=tuple(map(str, scale["categories"])),
                sizes=tuple(_counts(sizes) for sizes in scale["sizes"]),
            )
            for scale in values.get("properties", ())
        )
        counts = {name: _counts(values.get(name, {})) for name in ("sizes", "nodes")}
        return cls(**{**values, **counts, "properties": scales})


@dataclass(frozen=True)
class Model:
    """A network with everything that training and sampling need; `Model.of` makes one.

    Attributes:
        network: the denoiser, perhaps in a latent space, or an autoencoder.
        statistics: of its training set.
        process: the diffusion process that it is trained on.
        history: how it was trained, for people.
        checksum: SHA-256 of the file it came from, empty before it is saved.
    """

    network: Network
    statistics: Statistics
    process: Process
    history: dict[str, Any] = field(default_factory=dict)
    checksum: str = ""

    @classmethod
    def of(
        cls,
        network: Network,
        statistics: Statistics,
        history: Mapping[str, Any] | None = None,
        checksum: str = "",
    ) -> "Model":
        """A model whose process is that of its statistics.

        Args:
            network: the denoiser.
            statistics: of its training set.
            history: how it was trained, for people.
            checksum: SHA-256 of the file it came from.
        """
        if channels := network.space.channels:
            process = Process.of_latents(statistics.sigma_data, channels)
        else:
            process = Process.from_statistics(statistics.sigma_data, statistics.marginals)
        return cls(network, statistics, process, dict(history or {}), checksum)

    @property
    def space(self) -> Space:
        """What is noised: molecules themselves, or their latents."""
        return self.network.space

    @property
    def kind(self) -> Kind:
        """What the network does."""
        return KINDS[frozenset(self.network.parts)]


def new_model(
    options: NetworkOptions,
    info: DatasetInfo,
    placeholders: float = 0.0,
    properties: Sequence[PropertyScale] = (),
) -> Model:
    """An untrained model for a featurized set.

    Args:
        options: of the network.
        info: of the set, made for training: with all of `moldiff.dataset.validation.STATISTICS`.
        placeholders: largest number of placeholder atoms as a share of a molecule's atoms; 0 for a vocabulary without.
        properties: scales of those that molecules can be asked for.

    Raises:
        UserError: placeholders are wanted, and no atom of the set has charge 0.
        ValueError: the set has no statistics.
    """
    words, marginals_info, hydrogens, spread = info.vocabulary, info.marginals, info.hydrogens, info.position_std
    if words is None or marginals_info is None or info.sizes is None or hydrogens is None or spread is None:
        raise ValueError("the set has no statistics for training")  # which the train stage says with its name
    elements, charges = tuple(words.elements), tuple(words.charges)
    if placeholders and 0 not in charges:
        raise UserError(
            f"placeholders need the charge 0, and the dataset has only {list(charges)}; set placeholders: 0"
        )
    vocabulary = Vocabulary(elements, charges, placeholder=placeholders > 0)
    marginals, sizes = marginals_info.model_dump(), info.sizes
    if placeholders:
        marginals = offered_marginals(marginals, sizes, placeholders, vocabulary)
    statistics = Statistics(spread, marginals, sizes, hydrogens, placeholders, tuple(properties))
    return Model.of(build_network(options, vocabulary, statistics.sigma_data, statistics.properties), statistics)


def _counts(values: Mapping[Any, Any]) -> dict[int, int]:
    return {int(key): int(value) for key, value in values.items()}


def save_model(model: Model, path: Path) -> None:
    """Write the model atomically; the same model gives the same bytes."""
    header = {
        **{name: options.model_dump() for name, options in model.network.parts.items()},
        "vocabulary": asdict(model.network.vocabulary),
        "statistics": asdict(model.statistics),
        "history": model.history,
    }
    tensors = {name: value.detach().float().cpu().contiguous() for name, value in model.network.state_dict().items()}
    with atomic_path(path) as temporary:
        # save_file would take the reading rights of others away
        temporary.write_bytes(_sealed(save(tensors, {"format": FORMAT, "model": json.dumps(header, sort_keys=True)})))


def _sealed(data: bytes) -> bytes:
    """The file with its own checksum, and its metadata in order: safetensors writes it in another one each time."""
    header, tensors = _parts(data)
    header["__metadata__"] = dict(sorted({**header["__metadata__"], SEAL: _digest(header, tensors)}.items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin on a multiple of eight
    return len(text).to_bytes(8, "little") + text + tensors


def _parts(data: bytes) -> tuple[dict[str, Any], bytes]:
    start = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:start]), data[start:]


def _digest(header: dict[str, Any], tensors: bytes) -> str:
    """Checksum of all that the file holds but for the checksum itself."""
    metadata = {name: value for name, value in header["__metadata__"].items() if name != SEAL}
    text = json.dumps({**header, "__metadata__": metadata}, sort_keys=True)
    return hashlib.sha256(text.encode() + tensors).hexdigest()


def load_model(path: Path) -> Model:
    """Read a model.

    Raises:
        UserError: the file is missing, damaged, of another kind or version, or does not fit its own description.
    """
    remedy = "; give a model.safetensors that `moldiff train` wrote"
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in list(file.keys())}
    except FileNotFoundError:
        raise UserError(f"{path}: no such weights file{remedy}") from None
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: not a complete safetensors file ({error}){remedy}") from None
    version = metadata.get("format", "none")
    if version != FORMAT:
        raise UserError(f"{path}: weights of format {version!r}, this version reads {FORMAT!r}{remedy}")
    try:
        read_description(metadata["model"], sum(tensor.numel() for tensor in tensors.values()))
        header = json.loads(metadata["model"])
        words = header["vocabulary"]
        elements, charges = (tuple(words[name]) for name in ("elements", "charges"))
        vocabulary = Vocabulary(elements, charges, bool(words.get("placeholder", False)))
        statistics = Statistics.read(header["statistics"])
        network = _network(header, str(path), vocabulary, statistics)
        network.load_state_dict(tensors)
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError, RecursionError) as error:
        message = " ".join(str(error).split())[:400]
        raise UserError(f"{path}: the weights do not fit their own description ({message}){remedy}") from None
    if not all(torch.isfinite(tensor).all() for tensor in tensors.values()):
        raise UserError(f"{path}: the weights hold values that are not finite; train again with a lower learning rate")
    if SEAL in metadata and metadata[SEAL] != _digest(*_parts(path.read_bytes())):
        raise UserError(f"{path}: the weights were changed after they were written, or are incomplete{remedy}")
    return Model.of(network.eval(), statistics, header.get("history", {}), sha256(path))


def _network(header: Mapping[str, Any], source: str, vocabulary: Vocabulary, statistics: Statistics) -> Network:
    """An untrained network of the parts that a file describes."""
    autoencoder, sigma_data = None, statistics.sigma_data
    if "autoencoder" in header:
        described = parse(AutoencoderOptions, header["autoencoder"], source)
        autoencoder = build_autoencoder(described, vocabulary, sigma_data)
        if "network" not in header:
            return autoencoder
    options = network_options(header["network"], source)
    if autoencoder is not None:
        return build_latent_network(options, autoencoder)
    return build_network(options, vocabulary, sigma_data, statistics.properties, statistics.latents)
