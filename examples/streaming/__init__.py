"""The job on a stream: a real broker, a real S3 server, a real engine, and windows that arrive."""
