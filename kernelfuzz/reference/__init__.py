"""What a kernel must compute: an interpreter over the IR that owes nothing to Warp's code generator."""
