"""The prefixes against the ops path: whether all that was read is accounted for."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import takewhile
from typing import Final

import msgspec

from transforms.records import Receipt, Tally
from transforms.verification.ops_records import Account, OpsRecords
from transforms.verification.records import Defect, Known

_BUCKET_AT: Final = 2  # of `s3://bucket/…`, split at the slashes


class Comparison(msgspec.Struct):
    """What does not add up, and what could not be compared, in words."""

    defects: list[Defect] = []
    notes: list[str] = []


class Verified(msgspec.Struct, frozen=True):
    """What was verified, to be compared.

    Attributes:
        known: By URL, what the manifests of all places list.
        destinations: Those whose manifests were read; of others the tallies are left alone.
        roots: What the URLs of the places begin with; an empty one stands for all.
    """

    known: Mapping[str, Known]
    destinations: Collection[str]
    roots: Sequence[str]

    def covers(self, url: str) -> bool:
        """Whether an object lies in one of the places."""
        return url.startswith(tuple(self.roots))


class _Mismatch(msgspec.Struct):
    """A run's events for a destination that the tallies do not account for.

    Attributes:
        defect: What it is where all of them should lie in the places that were verified.
        elsewhere: The folders of other objects, by the receipts.
        lost: The events by URL of objects that, by the receipts, lie in the places, unlisted.
    """

    defect: Defect
    elsewhere: set[str] = set()
    lost: dict[str, int] = {}


def compare(
    records: OpsRecords, verified: Verified, receipts: Callable[[], Iterable[Receipt]]
) -> Comparison:
    """All that does not add up between the operator's records and what manifests list.

    Args:
        records: Of the ops path.
        verified: What the manifests say.
        receipts: Reads the receipts; is called only where the tallies do not tell enough.
    """
    found = Comparison()
    for run, account in sorted(records.accounts.items()):
        found.defects += [*_blocks(run, account), *_dead_letters(run, account)]
    _events(records, verified, receipts, found)
    found.defects += _parked(records, verified)
    found.defects[:0] = records.defects  # the receipts may have added to them
    return found


def _blocks(run: str, account: Account) -> Iterator[Defect]:
    for (source, first), tallies in sorted(account.tallies.items()):
        for tally in tallies.values():
            dead = sum(tally.dead_letters.values())
            parts = tally.matched + tally.unmatched + tally.opted_out + tally.outside + dead
            if tally.read != parts:
                yield Defect(
                    "tally does not add up",
                    "",
                    f"run {run}, {source} at {first}",
                    f"{tally.read:,} records, which were read",
                    f"matched {tally.matched:,} + unmatched {tally.unmatched:,}"
                    f" + opted out {tally.opted_out:,} + dead letters {dead:,} = {parts:,}",
                )


def _dead_letters(run: str, account: Account) -> Iterator[Defect]:
    counted = _sums(account, lambda tally: sum(tally.dead_letters.values()))
    found = len(account.dead_letters)
    # Runs of the same input by another configuration may each refuse other records.
    if not max(counted) <= found <= sum(counted):
        yield Defect(
            "dead letters differ",
            "",
            f"run {run}",
            f"{_either(counted)}, by the tallies",
            f"{found:,} in dead_letters/",
        )


def _events(
    records: OpsRecords,
    verified: Verified,
    receipts: Callable[[], Iterable[Receipt]],
    found: Comparison,
) -> None:
    """Compares the tallies; what went to places that were not verified is no defect."""
    mismatches = _mismatches(records, verified, found.notes)
    if not mismatches:
        return
    for receipt in receipts():
        mismatch = mismatches.get((receipt.run, receipt.destination))
        if mismatch is None:
            continue
        if not verified.covers(receipt.url):
            mismatch.elsewhere.add(receipt.url.rpartition("/")[0] + "/")
        elif receipt.url not in verified.known:
            mismatch.lost[receipt.url] = receipt.events
    for (run, name), mismatch in mismatches.items():
        if not mismatch.elsewhere:
            found.defects.append(mismatch.defect)
            continue
        folder = _common(mismatch.elsewhere)
        found.notes.append(f"not compared: run {run} of {name} lies elsewhere: {folder}")
        if mismatch.lost:
            defect = msgspec.structs.replace(
                mismatch.defect,
                expected="what the receipts say lies here, in manifests",
                found=f"{sum(mismatch.lost.values()):,} in none, such as {min(mismatch.lost)}",
            )
            found.defects.append(defect)


def _common(folders: Collection[str]) -> str:
    """The folder that holds all of these, or the first where they share no bucket."""
    first, last = min(folders).split("/"), max(folders).split("/")  # others are between
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    common = [part for part, _ in pairs]
    if len(common) <= _BUCKET_AT:
        return min(folders)
    return "/".join(common).rstrip("/") + "/"


def _mismatches(
    records: OpsRecords, verified: Verified, notes: list[str]
) -> dict[tuple[str, str], _Mismatch]:
    listed, missing, revisions = _listed(verified.known.values())
    destinations = verified.destinations
    mismatches = {}
    for run in sorted({*records.accounts, *(run for run, name in listed if name in destinations)}):
        account = records.accounts.get(run, Account())
        if not account.tallies:
            notes.append(f"no tallies of run {run} here: not compared")
            continue
        for name in sorted(destinations):
            here, there = listed[run, name], missing[run, name]
            counted = _sums(account, partial(_pairs, name))
            if here + there in counted and not (here + there == 0 and max(counted)):
                continue
            several = revisions[run, name]
            remark = f", of {len(several)} revisions of it" if len(several) > 1 else ""
            defect = Defect(
                "events unaccounted for",
                name,
                f"run {run}",
                f"{_either(counted)}, by the tallies",
                f"{here:,} in listed objects + {there:,} missing{remark}",
            )
            mismatches[run, name] = _Mismatch(defect)
    return mismatches


def _listed(
    known: Iterable[Known],
) -> tuple[
    Counter[tuple[str, str]], Counter[tuple[str, str]], defaultdict[tuple[str, str], set[str]]
]:
    listed: Counter[tuple[str, str]] = Counter()
    missing: Counter[tuple[str, str]] = Counter()
    revisions: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for each in known:
        whose = each.run, each.destination
        (listed if each.delivered else missing)[whose] += each.listed.events
        listed[whose] += 0
        revisions[whose].add(each.revision)
    return listed, missing, revisions


def _parked(records: OpsRecords, verified: Verified) -> Iterator[Defect]:
    known, destinations = verified.known, verified.destinations
    for url, each in sorted(known.items()):
        if not each.delivered and each.destination in destinations and url not in records.parked:
            expected, found = "a parked object to redrive", "none in parked/"
            yield Defect("missing object not parked", each.destination, url, expected, found)
    for url, head in sorted(records.parked.items()):
        if head.destination in destinations and verified.covers(url) and url not in known:
            expected, found = "a manifest that lists it, as missing or redriven", "none"
            yield Defect("parked object not listed", head.destination, url, expected, found)


def _pairs(destination: str, tally: Tally) -> int:
    return tally.pairs.get(destination, 0)


def _sums(account: Account, count: Callable[[Tally], int]) -> list[int]:
    """What the tallies add up to; where a run was repeated by other configurations, for each.

    A block that one of them has no tally of counts as in the others: in a stream, whose
    configuration may change, each block is tallied but once.
    """
    revisions = {revision for tallies in account.tallies.values() for revision in tallies}
    sums = {
        sum(
            count(tallies.get(revision) or next(iter(tallies.values())))
            for tallies in account.tallies.values()
        )
        for revision in revisions
    }
    return sorted(sums) or [0]


def _either(counts: list[int]) -> str:
    return " or ".join(f"{count:,}" for count in counts)
