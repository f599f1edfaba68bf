"""The sandbox: a provider of our own that renders on the CPU and speaks fal's queue protocol over real HTTP."""
