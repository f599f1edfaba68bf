"""What is done again and again, once among all replicas: each tick has a lease, a deadline and a last run."""
