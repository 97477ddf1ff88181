"""Configuration files: every error at once, each on one line with its place."""

import pickle
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.configuration_error import ConfigurationError, Problem
from pipeline.configuration_file import load_configuration

GOOD = """\
connections:
  - name: acme
    bucket: acme-events
    region: us-east-1
destinations:
  - name: web
    connection: acme
    match: {write_key: wk}
"""

SIX_ERRORS = """\
connections:
  - name: acme
    bucket: acme-events
    region: mars
    access_key: hunter2
  - name: globex
    bucket: globex-events
    region: us-east-1
    server_side_encryption: AES256
    kms_key_id: arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab

destinations:
  - name: web
    connection: acme
    prefix: logs/../up
    match: {write_key: wk_web}
  - name: web
    connection: globexx
    match:
      write_key: wk_ios
"""


def lines_of(folder: Path, content: str | bytes) -> list[str]:
    file = folder / "c.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(str(file))
    return [line.replace(f"{folder}/", "") for line in str(caught.value).split("\n")]


def test_a_good_file_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(GOOD)
    loaded = load_configuration(str(file))
    assert loaded.connection_of(loaded.destinations[0]).bucket == "acme-events"
    assert loaded.destinations[0].match.write_key == ("wk",)


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load_configuration(str(file)).destinations[0].name == "web"


def test_a_file_with_six_errors_shows_all_six(tmp_path: Path) -> None:
    assert lines_of(tmp_path, SIX_ERRORS) == [
        (
            "c.yaml:4: connections[0].region: 'mars' is no AWS region; write it as AWS shows it, "
            "like us-east-1 (a region opened since needs a newer boto3)"
        ),
        (
            "c.yaml:5: connections[0].access_key: credentials never stand in this file: they come "
            "from the AWS default chain or role_arn"
        ),
        (
            "c.yaml:10: connections[1].kms_key_id: needs server_side_encryption: aws:kms or "
            "aws:kms:dsse"
        ),
        "c.yaml:15: destinations[0].prefix: 'logs/../up' must not hold the segment '..'",
        "c.yaml:17: destinations[1].name: 'web' is taken by destinations[0]; names are unique",
        (
            "c.yaml:18: destinations[1].connection: no connection is named 'globexx'; nearest: "
            "'globex'; known: acme, globex"
        ),
    ]


def test_a_missing_field_stands_at_the_line_of_what_lacks_it(tmp_path: Path) -> None:
    without = GOOD.replace("    match: {write_key: wk}\n", "    match:\n      type: track\n")
    assert lines_of(tmp_path, without) == ["c.yaml:8: destinations[0].match.write_key: is required"]


def test_a_key_that_stands_twice_is_refused_beside_other_errors(tmp_path: Path) -> None:
    twice = GOOD.replace("    region: us-east-1\n", "    region: mars\n    name: acme\n")
    found = lines_of(tmp_path, twice)
    assert found[0].startswith("c.yaml:4: connections[0].region: 'mars' is no AWS region")
    assert found[1] == "c.yaml:5: connections[0].name: stands twice: first on line 2"


def test_a_mistake_is_refused_even_if_only_the_key_stands_twice(tmp_path: Path) -> None:
    found = lines_of(tmp_path, GOOD + "ops: {path: /a}\nops: {path: /b}\n")
    assert found == ["c.yaml:10: ops: stands twice: first on line 9"]


@pytest.mark.parametrize("account", ["111122223333", "012345670123", "0o17", "1_1", "1e3", "12:30"])
def test_an_account_without_quotes_is_told_to_get_them(tmp_path: Path, account: str) -> None:
    text = GOOD.replace("us-east-1\n", f"us-east-1\n    expected_bucket_owner: {account}\n")
    (found,) = lines_of(tmp_path, text)
    assert found.startswith("c.yaml:5: connections[0].expected_bucket_owner: ")
    assert "in quotes" in found


@pytest.mark.parametrize(
    ("scalar", "kind"),
    [("12", "a number"), ("on", "true or false"), ("2026-11-20", "a date"), ("1.5", "a number")],
)
def test_a_write_key_that_yaml_takes_for_something_else_is_told_so(
    tmp_path: Path, scalar: str, kind: str
) -> None:
    found = lines_of(tmp_path, GOOD.replace("write_key: wk", f"write_key: [a, {scalar}]"))
    assert found == [
        (
            "c.yaml:8: destinations[0].match.write_key[1]: must be text, but unquoted YAML reads "
            f"this as {kind}: write it in quotes"
        )
    ]


def test_keys_are_taken_as_they_are_written(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(GOOD.replace("us-east-1\n", "us-east-1\n    tags: {on: a, 1: b}\n"))
    assert load_configuration(str(file)).connections[0].tags == {"on": "a", "1": "b"}


def test_aliases_and_merge_keys_work_and_own_fields_win(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    more = "  - {name: app, <<: [*web, {shards: 7}], shards: 3}\n"
    file.write_text(GOOD.replace("  - name: web", "  - &web\n    name: web") + more)
    loaded = load_configuration(str(file)).destinations[1]
    assert (loaded.name, loaded.connection, loaded.shards) == ("app", "acme", 3)


def test_a_merged_mistake_stands_where_it_is_written(tmp_path: Path) -> None:
    more = "  - name: app\n    <<: *web\n"
    wrong = GOOD.replace("  - name: web", "  - &web\n    shards: 0\n    name: web") + more
    assert lines_of(tmp_path, wrong) == [
        "c.yaml:7: destinations[0].shards: 0 is less than 1",
        "c.yaml:7: destinations[1].shards: 0 is less than 1",
    ]


def test_an_own_mistake_stands_at_its_own_line_wherever_the_merge_is(tmp_path: Path) -> None:
    more = "  - name: app\n    shards: 0\n    <<: *web\n"
    wrong = GOOD.replace("  - name: web", "  - &web\n    shards: 2\n    name: web") + more
    assert lines_of(tmp_path, wrong) == ["c.yaml:12: destinations[1].shards: 0 is less than 1"]


NINE_LAUGHS = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", "c.yaml:1: is empty; it needs connections and destinations"),
        ("# nothing\n", "c.yaml:1: is empty; it needs connections and destinations"),
        ("\n- a\n", "c.yaml:2: must be a mapping with connections, destinations"),
        ("text", "c.yaml:1: must be a mapping with connections, destinations"),
        (b"a: b\nc: \xff\n", "c.yaml:2: is not UTF-8 text"),
        ("a:\n  b: \x07", r"c.yaml:2: holds the character '\x07', which YAML does not allow"),
        ("a: *b", "c.yaml:1: is not YAML: found undefined alias"),
        ("a: 1\n---\nb: 2\n", "c.yaml:2: is not YAML: expected a single document in the stream"),
        ("a: {\nb", "c.yaml:2: is not YAML: while parsing a flow mapping"),
        ("a: b: c", "c.yaml:1: is not YAML: mapping values are not allowed"),
        ("a: &a [*a]", "c.yaml:1: is nested more than 32 levels deep"),
        ("\n" + "[" * 200_000, "c.yaml:2: is nested more than 32 levels deep"),
        (NINE_LAUGHS, "c.yaml:1: holds more than 1,000,000 values, its aliases written out"),
    ],
)
def test_what_is_no_yaml_document_of_ours_is_one_clear_line(
    tmp_path: Path, content: str | bytes, line: str
) -> None:
    (found,) = lines_of(tmp_path, content)
    assert found.startswith(line)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("!!python/object/apply:os.system [a]", "the tag 'tag:yaml.org,2002:python/object/apply"),
        ("!secret x", "the tag '!secret' is not allowed"),
        ("2026-13-40", "is no such date or number as it looks like"),
        ("{[a]: b}", "a key must be text, not a list or a mapping"),
        ("{<<: 1}", "<< takes a mapping, or a list of mappings"),
    ],
)
def test_yaml_that_could_mean_anything_is_refused(tmp_path: Path, value: str, reason: str) -> None:
    found = lines_of(tmp_path, GOOD + f"ops: {value}\n")
    assert any(line.startswith("c.yaml:9: ops: ") and reason in line for line in found)


def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    for path, why in (
        (f"{tmp_path}/none.yaml", "No such file or directory"),
        (str(tmp_path), "Is a directory"),
        ("nosuchscheme://c.yaml", "Unable to get filesystem from specified path"),
    ):
        with pytest.raises(ConfigurationError, match="cannot be read") as caught:
            load_configuration(path)
        (problem,) = caught.value.problems
        assert (problem.file, problem.line) == (path, None)
        assert why in str(caught.value)
        assert "\n" not in str(caught.value)


def test_the_error_holds_its_problems_and_travels_between_processes(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(GOOD.replace("acme-events", "No_1"))
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(str(tmp_path / "c.yaml"))
    (problem,) = caught.value.problems
    assert problem == Problem(
        file=str(tmp_path / "c.yaml"),
        line=3,
        path="connections[0].bucket",
        reason="'No_1' is no bucket name: a bucket name has 3 to 63 lower-case letters, digits, "
        "hyphens and dots, and starts and ends with a letter or a digit",
    )
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert again.problems == caught.value.problems
    assert str(again) == str(caught.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_to_a_file_ends_in_problems_on_its_lines(
    tmp_path: Path, data: st.DataObject
) -> None:
    text = SIX_ERRORS
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(text)))
        until = data.draw(st.integers(at, min(len(text), at + 20)))
        damage = data.draw(st.text(string.punctuation + " \n\tao1é\x00", max_size=6))
        text = text[:at] + damage + text[until:]
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(str(tmp_path / "c.yaml"))
    assert caught.value.problems
    for problem in caught.value.problems:
        assert problem.line is not None
        assert 1 <= problem.line <= text.count("\n") + 2
        assert len(str(problem).splitlines()) == 1


def test_a_mapping_that_is_merged_into_itself_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "events.yaml"
    path.write_text("connections: &all\n  - &a {<<: *a, name: acme}\ndestinations: []\n")
    with pytest.raises(ConfigurationError) as error:
        load_configuration(str(path))
    assert "<< merges a mapping into itself" in str(error.value)
