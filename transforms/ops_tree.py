"""The operator's own place, to be read."""

from transforms.folder_tree import FolderTree
from transforms.object_tree import OpsTree
from transforms.places import OpsPath
from transforms.s3_bucket import operators_bucket
from transforms.store import Folder


def ops_tree(ops: OpsPath) -> OpsTree:
    """Opens an ops path; the tree's keys are below its prefix: `parked/…`, `tallies/…`.

    On S3 it is read with the connection's own role, since the bucket is the operator's.

    Raises:
        TreeError: A client cannot be made for the connection.
    """
    if isinstance(ops.place, Folder):
        return FolderTree("/".join(filter(None, (ops.place.path, ops.prefix))))
    return operators_bucket(ops.place, ops.prefix)
