"""The stages, and what they speak of; usable without the application."""
