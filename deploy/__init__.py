"""What runs the job elsewhere."""
