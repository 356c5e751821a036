"""Noise, losses, solvers and restarts; knows neither network nor chemistry."""
