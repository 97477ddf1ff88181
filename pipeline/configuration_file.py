"""The configuration's file: YAML from any Beam filesystem, and every error in it at once."""

import os
from dataclasses import dataclass

from apache_beam.io.filesystems import FileSystems
from pydantic import ValidationError

from pipeline.configuration_document import ConfigurationDocument
from pipeline.configuration_error import ConfigurationError, unusable
from transforms.configuration import Configuration
from transforms.refusals import refusals_of


@dataclass(frozen=True)
class ConfigurationFile:
    """A configuration's file, which may be read again and again.

    Attributes:
        path: On any filesystem of Beam's. Those in a cloud must have been given their options
            before (`FileSystems.set_options`), as running a pipeline does, here and on workers.
    """

    path: str

    def __str__(self) -> str:
        """The path."""
        return self.path

    def read(self) -> bytes:
        """The file's content.

        Raises:
            ConfigurationError: It cannot be read.
        """
        try:
            with FileSystems.open(self.path) as file:
                content: bytes = file.read()
        except Exception as error:  # every filesystem raises errors of its own
            why = getattr(error, "strerror", None) or str(error).partition("\n")[0]
            reason = f"cannot be read: {why or type(error).__name__}"
            raise unusable(self.path, None, reason) from error
        return content

    def parse(self, content: bytes) -> Configuration:
        """The configuration that a content of the file says.

        Raises:
            ConfigurationError: It is not YAML, or says something wrong.
        """
        return _parse(self.path, content)


def as_workers_find_it(path: str) -> ConfigurationFile:
    """The file at a path, whatever folder a worker runs in."""
    local = FileSystems.get_scheme(path) is None
    return ConfigurationFile(os.path.abspath(path) if local else path)  # noqa: PTH100 - a text


def load_configuration(path: str) -> Configuration:
    """Reads and checks a configuration.

    Raises:
        ConfigurationError: The file cannot be read, is not YAML, or says something wrong.
    """
    file = ConfigurationFile(path)
    return file.parse(file.read())


def _parse(path: str, content: bytes) -> Configuration:
    document = ConfigurationDocument(path, _text(path, content))
    try:
        configuration = Configuration.model_validate(document.data)
    except ValidationError as error:
        wrong = [document.problem(refusal) for refusal in refusals_of(error)]
        # From None: what matters of pydantic's error is said in the problems.
        raise ConfigurationError(document.problems + wrong) from None
    if document.problems:
        raise ConfigurationError(document.problems)
    return configuration


def _text(path: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise unusable(path, line, "is not UTF-8 text") from None
