"""What is done with columns of rows that ascend: their runs, their sums, their values at other rows."""

from __future__ import annotations

from domain.rules.arithmetic import Column, Mask


def run_starts(values: Column) -> Mask:
    """Which values of an ordered column differ from the one before."""
    first: Mask = values == values
    first[1:] = values[1:] != values[:-1]
    return first


def distinct_values(values: Column) -> list[int]:
    """The different values of a column, upwards."""
    ordered = values.copy()
    ordered.sort()
    distinct: list[int] = ordered[run_starts(ordered)].tolist()
    return distinct


def runs_of(rows: Column) -> tuple[Column, Column, Column]:
    """Of ascending rows: each row once, where its run starts, and where it ends."""
    starts: Column = run_starts(rows).nonzero()[0]
    ends = starts.copy()
    ends[:-1] = starts[1:]
    ends[-1:] = len(rows)
    return rows[starts], starts, ends


def sum_by_row(rows: Column, values: Column) -> tuple[Column, Column]:
    """(each row once, the sum of its values); rows ascend."""
    once, starts, ends = runs_of(rows)
    upto = values.cumsum()
    return once, upto[ends - 1] - upto[starts] + values[starts]


def add_up(zero: Column, parts: list[tuple[Column, Column]]) -> tuple[Column, Column]:
    """The sum of several (rows, values), for every row that one of them names.

    Args:
        zero: a zero for each row that there may be.
    """
    total, named = zero.copy(), zero > 0
    for rows, values in parts:
        total[rows] += values
        named[rows] = True
    rows = named.nonzero()[0]
    return rows, total[rows]


def values_at(zero: Column, reported: tuple[Column, Column] | None, rows: Column) -> tuple[Column, Mask]:
    """(value, whether there is one) for some rows of (rows that ascend, values)."""
    if reported is None or not len(reported[0]):
        return zero[rows], zero[rows] > 0
    reported_rows, values = reported
    places = reported_rows.searchsorted(rows)
    places[places == len(reported_rows)] = 0
    present = reported_rows[places] == rows
    return values[places] * present, present
