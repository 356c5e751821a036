"""Objective, loop, state, devices and log of a training."""
