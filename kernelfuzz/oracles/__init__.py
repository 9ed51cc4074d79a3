"""The questions about a case, a kernel with a launch: whether Warp did what it must; one row of a table each."""
