"""Redrives of a folder, into buckets that refuse what they are told to."""

from tests.parking import Buckets, Ops, connection
from transforms.folder_tree import FolderTree
from transforms.parked_files import find_parked
from transforms.places import Place
from transforms.records import ManifestMode
from transforms.redrive import Redrive, Watch
from transforms.redrive_groups import Outcome

NAMES = ("acme", "beta", "gamma")
KEY = (
    "logs/2026/11/20/10/{}_20261120T100000Z_20261120T101000Z_abcd2345-wxyz_p0"
    "_0000{}-of-00009.ndjson"
)


class Redrives:
    """Redrives all that is parked."""

    def __init__(self, ops: Ops, buckets: Buckets) -> None:
        self.tree = FolderTree(str(ops.folder))
        self.buckets = buckets
        self.places: dict[str, Place] = {name: connection(name) for name in NAMES}
        self.modes: dict[str, ManifestMode] = {}
        self.deadline_seconds = 10.0

    def __call__(self) -> dict[str, Outcome]:
        work = self.begin()
        return {each.parked.key: each.outcome for each in work.objects}

    def begin(self, watch: Watch = lambda _: None) -> Redrive:
        files = [file for file in find_parked(self.tree) if file.parked]
        work = Redrive(self.tree, self.places, self.modes, self.buckets.open, self.deadline_seconds)
        work.run(files, watch)
        return work
