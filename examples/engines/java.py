"""A Java main class as a process."""

from collections.abc import Sequence
from pathlib import Path

from examples.engines.cache import tool
from examples.engines.process import Process

# Flink and Beam reach into these by reflection.
_OPENED = (
    "java.base/java.lang",
    "java.base/java.lang.invoke",
    "java.base/java.lang.reflect",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.text",
    "java.base/java.time",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/java.util.concurrent.locks",
    "java.base/sun.net.util",
    "java.base/sun.nio.ch",
)


def run_java(
    jars: Path, main: str, arguments: Sequence[str], output: Path, jvm: Sequence[str] = ()
) -> Process:
    """Starts a main class with all jars of a folder.

    Args:
        jars: The folder.
        main: The class.
        arguments: Its arguments.
        output: The file that what it says is added to.
        jvm: Options of Java itself, such as `-Xmx512m`.

    Raises:
        MissingError: Java is not installed.
    """
    opens = [f"--add-opens={package}=ALL-UNNAMED" for package in _OPENED]
    command = [tool("java"), "-XX:+UseSerialGC", *jvm, *opens]
    return Process([*command, "-cp", f"{jars}/*", main, *arguments], output, output.parent)
