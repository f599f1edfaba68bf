"""The Replicate door: predictions, models and files, as Replicate's own clients speak of them."""
