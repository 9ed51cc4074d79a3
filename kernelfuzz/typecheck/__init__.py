"""What Warp takes: the rows of its builtins and operators, the types of expressions, and what verifies."""
