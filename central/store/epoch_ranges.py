"""Numbers of epochs as runs: what of them lies in a range, and what of a range lies in none of them."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator

from central.store.missing import Gap


class EpochRanges:
    """A set of numbers by epoch, made once from *gaps* in any order and asked often; a question costs a search."""

    def __init__(self, gaps: Iterable[Gap]) -> None:
        self._runs: defaultdict[str, list[Gap]] = defaultdict(list)
        for gap in gaps:
            self._runs[gap.epoch].append(gap)
        for epoch, some in self._runs.items():
            self._runs[epoch] = list(_disjoint(sorted(some)))

    def __iter__(self) -> Iterator[Gap]:
        """Yield the runs, of the epoch first that was named first."""
        for runs in self._runs.values():
            yield from runs

    def within(self, range_: Gap) -> list[Gap]:
        """Return what of *range_* is in the set, in order."""
        return list(self._within(range_))

    def touch(self, range_: Gap) -> bool:
        """Return whether anything of *range_* is in the set."""
        return next(self._within(range_), None) is not None

    def cover(self, range_: Gap) -> bool:
        """Return whether all of *range_* is in the set."""
        return next(self._within(range_), None) == range_

    def leave(self, range_: Gap) -> Iterator[Gap]:
        """Yield what of *range_* is not in the set, in order."""
        first = range_.first
        for run in self._within(range_):
            if run.first > first:
                yield Gap(range_.epoch, first, run.first - 1)
            first = run.last + 1
        if first <= range_.last:
            yield Gap(range_.epoch, first, range_.last)

    def _within(self, range_: Gap) -> Iterator[Gap]:
        runs = self._runs.get(range_.epoch, [])
        begins = bisect_right(runs, range_.first, key=lambda run: run.first)
        for place in range(max(0, begins - 1), len(runs)):
            first, last = max(runs[place].first, range_.first), min(runs[place].last, range_.last)
            if first <= last:
                yield Gap(range_.epoch, first, last)
            elif runs[place].first > range_.last:
                return


def _disjoint(gaps: Iterable[Gap]) -> Iterator[Gap]:
    run: Gap | None = None
    for gap in gaps:
        if run is not None and gap.first <= run.last + 1:
            run = run._replace(last=max(run.last, gap.last))
            continue
        if run is not None:
            yield run
        run = gap
    if run is not None:
        yield run
