"""What an output of a self-hosted model costs to compute: a roofline, its memory, and when renting costs less."""
