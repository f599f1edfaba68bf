"""The fal door: the queue, runs, streams and storage, as fal's own clients speak of them."""
