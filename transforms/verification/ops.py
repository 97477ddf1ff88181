"""The prefixes against the ops path: whether all that was read is accounted for."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial

from transforms.records import Tally
from transforms.verification.ops_records import Account, OpsRecords
from transforms.verification.records import Defect, Known


def compare(
    records: OpsRecords, known: Mapping[str, Known], destinations: Collection[str]
) -> Iterator[Defect]:
    """All that does not add up between the operator's records and what manifests list.

    Args:
        records: Of the ops path.
        known: By URL, what the manifests of all places list.
        destinations: Those whose manifests were read; of others the tallies are left alone.
    """
    yield from records.defects
    for run, account in sorted(records.accounts.items()):
        yield from _blocks(run, account)
        yield from _dead_letters(run, account)
    yield from _events(records, known, destinations)
    yield from _parked(records, known, destinations)


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
    records: OpsRecords, known: Mapping[str, Known], destinations: Collection[str]
) -> Iterator[Defect]:
    listed, missing, revisions = _listed(known.values())
    runs = {*records.accounts, *(run for run, name in listed if name in destinations)}
    for run in sorted(runs):
        account = records.accounts.get(run, Account())
        for name in sorted(destinations):
            here, there = listed[run, name], missing[run, name]
            counted = _sums(account, partial(_pairs, name))
            if here + there in counted and not (here + there == 0 and max(counted)):
                continue
            several = revisions[run, name]
            remark = f", of {len(several)} revisions of it" if len(several) > 1 else ""
            yield Defect(
                "events unaccounted for",
                name,
                f"run {run}",
                f"{_either(counted)}, by the tallies",
                f"{here:,} in listed objects + {there:,} missing{remark}",
            )


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


def _parked(
    records: OpsRecords, known: Mapping[str, Known], destinations: Collection[str]
) -> Iterator[Defect]:
    for url, each in sorted(known.items()):
        if not each.delivered and each.destination in destinations and url not in records.parked:
            expected, found = "a parked object to redrive", "none in parked/"
            yield Defect("missing object not parked", each.destination, url, expected, found)
    for url, head in sorted(records.parked.items()):
        if head.destination in destinations and url not in known:
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
