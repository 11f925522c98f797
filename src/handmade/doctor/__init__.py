"""What this machine is, what would make it faster, and whether handmade is right on it."""
