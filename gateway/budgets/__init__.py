"""Limits over windows, for keys, projects and the whole organisation; and plans, which bundle them. They hold."""
