"""The application: command line, options, configuration file, the graph."""
