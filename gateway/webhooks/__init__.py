"""Webhooks out: what happened is written down with what made it happen, and told until the receiver has it."""
