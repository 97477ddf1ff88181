"""The demo: a real S3 server, three customers' buckets, and the job that delivers to them."""
