"""Sparse graphs and pooled nodes: the same sums as on all pairs, and edges that are chosen by what they should be."""

import pytest
import torch

from moldiff.config.network import TransformerOptions
from moldiff.network.embeddings import CONDITION
from moldiff.network.equivariant import channels, components
from moldiff.network.graph import CompleteGraph
from moldiff.network.layer import Layer
from moldiff.network.pooling import MEMBERSHIPS, Nodes, Pooling, far_apart
from moldiff.network.sparse import MOST_BONDS, SparseGraph, nearest
from tests import tiny
from tests.symmetry import assert_close

SIZES = (5, 3, 1)


def sparse(*sizes: int, count: int = 99, seed: int = 0) -> tuple[torch.Tensor, SparseGraph]:
    """Positions of molecules of these sizes, and edges to their nearest atoms."""
    batch = tiny.batch_of(*sizes, seed=seed)
    return batch.pos, SparseGraph.of(nearest(batch.pos, batch.mask, count), batch.mask)


@pytest.mark.parametrize("irreps", ["16x0e + 4x1o", "16x0e + 6x0o + 6x1o + 6x1e + 6x2e"])
def test_a_layer_on_the_edges_of_all_pairs_is_the_layer_on_all_pairs(irreps: str) -> None:
    torch.manual_seed(0)
    layer = Layer(TransformerOptions(**{**tiny.NETWORK, "irreps": irreps}), CONDITION).double()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
    batch = tiny.batch_of(*SIZES)
    mask, others = batch.mask, layer.irreps[1:]
    complete = CompleteGraph.of(mask, torch.float64)
    _, edges = sparse(*SIZES)
    scalars = torch.randn(*mask.shape, 16, dtype=torch.float64) * mask[:, :, None]
    features = torch.randn(*mask.shape, components(others), channels(others), dtype=torch.float64)
    features = features * mask[:, :, None, None]
    pairs = torch.randn(*batch.bond.shape, 8, dtype=torch.float64)
    condition = torch.randn(len(mask), CONDITION, dtype=torch.float64)
    expected = layer(scalars, features, batch.pos, pairs, condition, complete)
    place = edges.pair_places()
    rows = (values[mask][None] for values in (scalars, features, batch.pos))
    actual = layer(*rows, pairs.flatten(0, 1)[place][None], condition, edges)
    for name, own, other in zip(("scalars", "features", "positions"), actual, expected, strict=False):
        assert_close(name, own[0], other[mask])
    assert_close("pairs", actual[3][0], expected[3].flatten(0, 1)[place])


def test_edges_are_those_of_the_nearest_and_of_bonds_however_long() -> None:
    pos = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [2.1, 0, 0], [3.3, 0, 0], [9, 0, 0]]], dtype=torch.float64)
    real = torch.ones(1, 5, dtype=torch.bool)
    expected = {(0, 1), (1, 2), (2, 3), (3, 4)}

    def chosen(bonded: torch.Tensor | None) -> set[tuple[int, int]]:
        return {(row, column) for _, row, column in nearest(pos, real, 1, bonded).triu(1).nonzero().tolist()}

    assert chosen(None) == expected
    bonded = torch.zeros(1, 5, 5, dtype=torch.float64)
    bonded[0, 0, 4] = bonded[0, 4, 0] = 0.021
    bonded[0, 0, 3] = bonded[0, 3, 0] = 0.019
    assert chosen(bonded) == expected | {(0, 4)}


def test_noisy_bonds_are_all_edges_and_predicted_ones_the_most_probable() -> None:
    batch, atoms = tiny.batch_of(30), 30
    none = nearest(batch.pos, batch.mask, 1)
    some = nearest(batch.pos, batch.mask, 1, torch.full((1, atoms, atoms), 0.5, dtype=torch.float64))
    certain = nearest(batch.pos, batch.mask, 1, torch.ones(1, atoms, atoms, dtype=torch.float64))
    assert none.sum() < some.sum() <= none.sum() + 2 * atoms * MOST_BONDS
    assert certain.sum() == atoms * (atoms - 1)


def test_edges_know_their_places_and_nodes() -> None:
    pos, edges = sparse(6, 4, 1, count=2, seed=3)
    packed = torch.arange(3 * 15, dtype=torch.float64).view(3, 15)
    matrix = CompleteGraph.of(edges.real, torch.float64).index.matrix(packed)
    place = edges.real.flatten().nonzero()[:, 0]
    row, column = place[edges.row] % 6, place[edges.column] % 6
    assert torch.equal(packed.flatten()[edges.pair_places()], matrix[edges.molecule[edges.row], row, column])
    assert_close("distances", edges.distance(pos[edges.real][None])[0] ** 2, square(pos, edges) + 1e-6)
    every = torch.arange(len(edges.row))
    assert torch.equal(edges.numbers(edges.row, edges.column), every)
    assert torch.equal(edges.numbers(edges.column, edges.row), every)
    assert edges.numbers(torch.tensor([0, 0]), torch.tensor([0, 10])).tolist() == [len(every)] * 2


def square(pos: torch.Tensor, edges: SparseGraph) -> torch.Tensor:
    rows = pos[edges.real]
    return (rows[edges.row] - rows[edges.column]).square().sum(-1)


def test_coarse_nodes_begin_far_apart_one_in_four_of_each_molecule() -> None:
    line = torch.zeros(2, 9, 3, dtype=torch.float64)
    line[0, :, 0] = torch.arange(9.0)
    line[1, :3, 0] = torch.tensor([0.0, 1.0, 5.0])
    place, there = far_apart(line, tiny.mask_of(9, 3), 4)
    assert there.sum(1).tolist() == [3, 1]
    assert sorted(place[0].tolist()) == [0, 4, 8]
    assert place[1, 0] == 2
    same, _ = far_apart(torch.zeros(1, 8, 3), torch.ones(1, 8, dtype=torch.bool), 2)
    assert len(set(same[0].tolist())) == 4


def test_shares_add_up_and_coarse_nodes_stand_at_weighted_means() -> None:
    torch.manual_seed(0)
    pos, edges = sparse(9, 6, 1, count=3)
    irreps = Layer(TransformerOptions(**tiny.NETWORK), CONDITION).irreps[1:]
    pool = Pooling(irreps, 16, 8, 4, 3).double()
    rows, count = pos[edges.real][None], int(edges.real.sum())
    nodes = Nodes(
        torch.randn(1, count, 16, dtype=torch.float64),
        torch.randn(1, count, 3, 4, dtype=torch.float64),
        rows,
        torch.randn(1, len(edges.row), 8, dtype=torch.float64),
    )
    coarse, assignment = pool.down(nodes, edges)
    assert assignment.graph.molecule.tolist() == [0, 0, 0, 1, 1, 2]
    ones = torch.ones(1, count, 1, dtype=torch.float64)
    assert_close("shares", assignment.back(torch.ones(1, 6, 1, dtype=torch.float64), count), ones)
    assert_close("weights", assignment.mean(ones)[0, :, 0], torch.ones(6, dtype=torch.float64))
    assert torch.bincount(assignment.fine).max() <= MEMBERSHIPS
    assert torch.equal(edges.molecule[assignment.fine], assignment.graph.molecule[assignment.coarse])
    assert_close("an atom alone", coarse.pos[0, -1], rows[0, -1])
    # at first nothing but the coarse nodes' own moves comes back
    back = pool.up(nodes, coarse, coarse.pos, assignment)
    for name in ("scalars", "features", "pos", "pairs"):
        assert torch.equal(getattr(back, name), getattr(nodes, name)), name
    shifted = Nodes(coarse.scalars, coarse.features, coarse.pos + 1, coarse.pairs)
    assert_close("moves", pool.up(nodes, shifted, coarse.pos, assignment).pos, rows + 1)
