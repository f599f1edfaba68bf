"""Other people's APIs, spoken to callers: each door translates, then calls jobs.service."""
