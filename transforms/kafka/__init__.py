"""Kafka as a source: partitions into blocks, resumable, with watermarks of their own."""
