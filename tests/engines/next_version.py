"""The program as its next version might be: records with one more field each, as a rule allows."""

import shutil
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_CHANGES: Final = {
    "transforms/records.py": {
        "    body: bytes | Spooled\n": '    body: bytes | Spooled\n    note: str = ""\n',
        '    kind: Kind = "events"\n\n': '    kind: Kind = "events"\n    note: str = ""\n\n',
        '    reason: str = ""\n': '    reason: str = ""\n    note: str = ""\n',
    },
    "transforms/kafka/offsets.py": {
        "    stop: int | None = None\n": '    stop: int | None = None\n    note: str = ""\n',
    },
    "transforms/kafka/watermark.py": {
        "    millis: int | None = None\n": '    millis: int | None = None\n    note: str = ""\n',
    },
    "transforms/manifests.py": {
        "    guarantee: Guarantee | None = None\n": (
            '    guarantee: Guarantee | None = None\n    written_by: str = "next"\n'
        ),
    },
}


def write_next_version(folder: Path) -> Path:
    """Writes it into a folder, from which it can be run; its manifests say that it wrote them.

    Raises:
        ValueError: What is to be changed is no longer there.
    """
    for package in ("pipeline", "transforms"):
        shutil.copytree(
            _ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name, changes in _CHANGES.items():
        text = (folder / name).read_text()
        for before, after in changes.items():
            if before not in text:
                raise ValueError(f"{name} has no {before!r}")
            text = text.replace(before, after)
        (folder / name).write_text(text)
    return folder
