"""The OpenAI door: images, videos, chat completions and models, as OpenAI's own clients speak of them."""
