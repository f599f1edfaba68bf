"""Engines on own machines: found, read and judged fit. It never starts or stops one, and enables none unasked."""
