import torch

from moldiff.network.radial import RadialBasis


def test_radial_basis_tells_near_distances_apart_and_saturates() -> None:
    radial = RadialBasis()
    near = torch.linspace(0.5, 4.0, 50)[None]
    values = radial(near)
    centre = -radial.shift / radial.scale
    assert values.shape == (1, 50, radial.channels)
    assert ((values >= 0) & (values <= 1)).all()
    assert (values.amax(-1) > 0.85).all(), "no distance below 4 Å falls between the Gaussians"
    assert (centre <= 4.001).sum() >= 18
    assert (centre.diff() > 0).all()
    assert torch.equal(radial(torch.tensor([[16.0]])), radial(torch.tensor([[99.0]])))


def test_radial_basis_is_gaussians_without_denormal_numbers() -> None:
    radial, distance = RadialBasis(), torch.linspace(0, 20, 400)[None]
    centre, width = -radial.shift / radial.scale, 0.5**0.5 / radial.scale
    plain = (-0.5 * ((distance.clamp_max(16)[..., None].double() - centre) / width) ** 2).exp()
    torch.testing.assert_close(radial(distance).double(), plain, rtol=0, atol=2e-6)
    assert radial(distance).min() > torch.finfo(torch.float32).tiny
