"""The smallest kernel that still fails in the same way."""
