"""A customer of the public API, with charts: it looks and asks, and knows nothing of what is behind the API."""
