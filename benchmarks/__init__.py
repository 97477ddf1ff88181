"""The benchmark: a hand-written loop, this pipeline and Beam's own file sink, doing the same."""
