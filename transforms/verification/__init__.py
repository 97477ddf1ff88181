"""Verification: what a bucket, or a copy of it, holds, against what its manifests say."""
