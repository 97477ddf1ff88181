"""The job as a flex template of Dataflow."""
