"""What an oracle is: it takes cases and says of each whether Warp did what it must."""
