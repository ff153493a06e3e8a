"""The judge: exact arithmetic and forward mode. It imports no rule of `calculus` or `bptt`."""
