"""A real Kafka broker of one node (KRaft), on loopback, its jars from Maven's registry.

The jars are kept in a folder of the user's own, outside the tree, and are fetched once.
"""

import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

from examples.engines.java import run_java
from examples.engines.maven import jars
from examples.engines.process import Process, free_port
from examples.within import Within

VERSION: Final = "3.9.1"
_CLUSTER_ID: Final = "czMtZXZlbnQtbG9ncw"
_PROPERTIES: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}{listeners}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}{listeners}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{protocols}
log.dirs={folder}/log
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.retention.ms=-1
log.initial.task.delay.ms=0
"""


class Listener(NamedTuple):
    """Another way to a broker than plain text.

    Attributes:
        name: In capitals.
        protocol: Such as `SASL_SSL`.
        settings: Its own, as Kafka's documentation has them, without the listener's prefix.
    """

    name: str
    protocol: str
    settings: Mapping[str, str]


def broker_jars() -> Path:
    """The folder of the broker's jars, fetched if they are not there.

    Raises:
        MissingError: Maven is not installed, or the registry does not have them.
    """
    return jars(
        f"kafka-{VERSION}",
        f"org.apache.kafka:kafka_2.13:{VERSION}",
        "org.slf4j:slf4j-simple:1.7.36",
    )


class KafkaBroker(Within):
    """A broker that runs within a `with`; its data are removed at the end.

    Args:
        listeners: Where it listens beside the plain one.

    Attributes:
        address: `host:port`, for clients.
        addresses: The same of the other listeners, by their names.
    """

    def __init__(self, listeners: Sequence[Listener] = ()) -> None:
        self._jars = broker_jars()
        self._folder = Path(tempfile.mkdtemp(prefix="kafka-"))
        self._process: Process | None = None
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        self.addresses = {each.name: f"127.0.0.1:{free_port()}" for each in listeners}
        self._properties = self._folder / "server.properties"
        text = _PROPERTIES.format(
            port=port,
            controller_port=free_port(),
            folder=self._folder,
            listeners="".join(f",{name}://{at}" for name, at in self.addresses.items()),
            protocols="".join(f",{each.name}:{each.protocol}" for each in listeners),
        )
        self._properties.write_text(text + "".join(map(_own_settings, listeners)))
        self.admin: AdminClient

    def begin(self) -> None:
        """Starts it, and waits until it answers."""
        self._run("kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c").wait(60)
        self.start()

    def end(self) -> None:
        """Ends it, and removes its data."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def pid(self) -> int | None:
        """The running process."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Starts it, again after `kill` with its data, and waits until it answers."""
        self._process = self._run("kafka.Kafka")
        # A client of librdkafka shouts on standard error while nobody answers: ask the port first.
        self._process.await_port(int(self.address.rpartition(":")[2]))
        self.admin = AdminClient({"bootstrap.servers": self.address})
        self.admin.list_topics(timeout=30)

    def kill(self) -> None:
        """Ends it hard."""
        self.__dict__.pop("admin", None)  # it would complain of that
        if self._process is not None:
            self._process.kill()
            self._process = None

    def log(self) -> str:
        """What it said."""
        path = self._folder / "output"
        return path.read_text(errors="replace") if path.exists() else ""

    def create_topic(self, name: str, partitions: int = 1, **settings: str) -> str:
        """Makes a topic; in a setting's name `_` stands for a dot."""
        config = {key.replace("_", "."): value for key, value in settings.items()}
        topic = NewTopic(name, partitions, 1, config=config)
        self.admin.create_topics([topic])[name].result(30)
        self._await_partitions(name, partitions)
        return name

    def add_partitions(self, name: str, total: int) -> None:
        """Gives a topic more partitions."""
        self.admin.create_partitions([NewPartitions(name, total)])[name].result(30)
        self._await_partitions(name, total)

    def producer(self, **settings: Any) -> Producer:  # noqa: ANN401 - a setting's value
        """A producer; in a setting's name `_` stands for a dot."""
        config = {key.replace("_", "."): value for key, value in settings.items()}
        return Producer({"bootstrap.servers": self.address, "linger.ms": 5, **config})

    def _await_partitions(self, name: str, total: int) -> None:
        for _ in range(100):
            found = self.admin.list_topics(name, timeout=10).topics[name]
            if found.error is None and len(found.partitions) == total:
                return
            time.sleep(0.1)
        raise RuntimeError(f"{name} did not get {total} partitions")

    def _run(self, main: str, *arguments: str) -> Process:
        return run_java(
            self._jars,
            main,
            [*arguments, str(self._properties)],
            self._folder / "output",
            ["-Xmx512m"],
        )


def _own_settings(listener: Listener) -> str:
    prefix = f"listener.name.{listener.name.lower()}."
    return "".join(f"{prefix}{name}={value}\n" for name, value in listener.settings.items())
