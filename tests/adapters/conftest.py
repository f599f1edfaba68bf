"""Properties are about what holds, not about how quickly a busy machine shows it."""

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
