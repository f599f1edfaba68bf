"""Graphs of jobs: a step starts when those before it have brought what it needs. It makes nothing itself: jobs do."""
