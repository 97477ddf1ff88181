"""How far this process has come, for the eyes of a person only.

The counts are attempts and belong to one process: what was done in another is not in them, and what
was done twice is in them twice. The sums that a run answers for come from tallies and receipts.
"""


class Counters:
    """Plain counters that stages raise and a display reads; a race between threads loses a tick."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begins to count anew."""
        self.bytes_read = 0
        self.events = 0
        self.objects_put = 0
        self.objects_parked = 0


counters = Counters()
