"""Flink's settings on one machine: soon to see that something died, and to try again."""

from pathlib import Path
from typing import Final

_ALWAYS: Final = {
    "state.backend.type": "hashmap",
    "state.checkpoint-storage": "filesystem",
    "state.checkpoints.num-retained": "3",
    "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": "1000",
    "restart-strategy.fixed-delay.delay": "1 s",
    "heartbeat.interval": "1000",
    "heartbeat.timeout": "6000",
    "heartbeat.rpc-failure-threshold": "2",
}


def write_settings(folder: Path, settings: dict[str, str]) -> None:
    """Writes `flink-conf.yaml` into a folder, with checkpoints and savepoints beside it."""
    folders = {
        "state.checkpoints.dir": (folder / "checkpoints").as_uri(),
        "state.savepoints.dir": (folder / "savepoints").as_uri(),
        "io.tmp.dirs": str(folder / "scratch"),
    }
    (folder / "scratch").mkdir()
    lines = {**_ALWAYS, **folders, **settings}.items()
    (folder / "flink-conf.yaml").write_text("".join(f"{name}: {value}\n" for name, value in lines))


def pipeline_options(parallelism: int, checkpointing_millis: int) -> list[str]:
    """What a pipeline needs on any Flink.

    Without a short bundle windows come many seconds late; a bundle that is open when a checkpoint
    is taken would have its elements in the checkpoint.
    """
    return [
        f"--parallelism={parallelism}",
        f"--checkpointing_interval={checkpointing_millis}",
        "--externalized_checkpoints_enabled",
        "--retain_externalized_checkpoints_on_cancellation",
        "--max_bundle_time_mills=200",
        "--finish_bundle_before_checkpointing",
    ]


def newest_checkpoint(folder: Path) -> str | None:
    """The newest whole checkpoint below a folder, for `--savepoint_path`; `None` without one."""
    whole = folder.glob("**/chk-*/_metadata")
    newest = max(whole, key=lambda path: path.stat().st_mtime_ns, default=None)
    return None if newest is None else newest.parent.as_uri()
