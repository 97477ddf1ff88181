"""Jars with all that they depend on, from Maven's registry."""

from pathlib import Path

from examples.engines.cache import fetched, run_tool, tool

_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>s3-event-logs</groupId><artifactId>engine</artifactId><version>1</version>
  <dependencies>
{dependencies}
  </dependencies>
</project>
"""
_DEPENDENCY = """\
    <dependency>
      <groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>
    </dependency>"""


def jars(name: str, *artifacts: str) -> Path:
    """A folder of jars, fetched if it is not there.

    Args:
        name: The folder's name in the cache.
        artifacts: `group:artifact:version`.

    Raises:
        MissingError: Maven is not installed, or the registry does not have them.
    """

    def fetch(scratch: Path) -> Path:
        dependencies = "\n".join(_DEPENDENCY.format(*each.split(":")) for each in artifacts)
        (scratch / "pom.xml").write_text(_POM.format(dependencies=dependencies))
        maven = [tool("mvn"), "-B", "-q", "dependency:copy-dependencies"]
        run_tool([*maven, "-DoutputDirectory=jars"], scratch)
        return scratch / "jars"

    return fetched(name, fetch)
