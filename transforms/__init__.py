"""The stages, and what they speak of; usable without the application."""

from transforms.configuration import Configuration, Connection, Destination, Match
from transforms.errors import PutError
from transforms.records import Receipt
from transforms.sink import WriteToS3Destinations, Written

__all__ = [
    "Configuration",
    "Connection",
    "Destination",
    "Match",
    "PutError",
    "Receipt",
    "WriteToS3Destinations",
    "Written",
]
