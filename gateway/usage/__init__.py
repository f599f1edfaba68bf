"""What was used and what it cost: rollups written with each settlement, and everything that is read from them."""
