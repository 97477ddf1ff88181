"""Withdrawing what earlier attempts of the same bounded run have parked.

A run that is repeated delivers, or parks, all of its objects itself, perhaps with another content
where the configuration was mended in between. What it had parked before must not be redriven over
that. It is moved away, not deleted, before the run puts anything.
"""

import contextlib
from typing import Final

from transforms.object_names import read_name
from transforms.object_tree import ObjectGoneError, OpsTree
from transforms.parked import PARKED

WITHDRAWN: Final = "withdrawn"


def withdraw(tree: OpsTree, run: str) -> int:
    """Moves what a run has parked from `parked/` to `withdrawn/`.

    Args:
        tree: The ops path.
        run: The id of a run that is about to begin again from its beginning.

    Returns:
        How many objects were parked.

    Raises:
        TreeError: The ops path cannot be listed, or nothing can be moved in it.
    """
    names = [name for name, _ in tree.list(f"{PARKED}/") if _run_of(name) == run]
    for name in names:
        with contextlib.suppress(ObjectGoneError):  # a redrive has moved it
            tree.move(name, f"{WITHDRAWN}/{name.removeprefix(f'{PARKED}/')}")
    return len(names)


def _run_of(name: str) -> str | None:
    # An object's own name, a digest of where it belongs, and `.avro`.
    known = read_name(name.rsplit(".", 2)[0])
    return known.run if known else None
