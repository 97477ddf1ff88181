"""Engines and a broker as processes on this machine, fetched from package registries."""
