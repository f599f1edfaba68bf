"""What changed in the world of models, once for each change: the feed that people and webhooks follow."""
