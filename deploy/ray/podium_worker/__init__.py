"""Podium's worker: diffusers' pipelines behind Ray Serve. It imports nothing of Podium's, nor does Podium import it."""
