"""The E(3)-equivariant denoiser, with e3nn."""
