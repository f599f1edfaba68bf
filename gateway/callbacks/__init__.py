"""Webhooks in: the addresses that providers are given with a run, and what their calls come to."""
