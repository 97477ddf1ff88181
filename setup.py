from setuptools import setup

# Beam's --setup_file asks for a setup.py; everything it needs stands in pyproject.toml.
setup()
