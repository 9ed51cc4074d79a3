"""The fuzzing loop: draw, judge, reduce, fold, go on."""
