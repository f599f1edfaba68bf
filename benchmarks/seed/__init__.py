"""Fills a gateway's database with a made-up past, to look at and to measure on: never one that has a past already."""
