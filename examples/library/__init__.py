"""The sink in a pipeline of one's own."""
