"""Work out factor and payments of a published list from the list alone: python recompute.py LIST.ndjson."""

import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    head, *rows, _ = map(json.loads, file)
rows = [dict(zip(head["columns"], row, strict=True)) for row in rows]
if any(type(fen) is not int for _, *each in head["pots"] for fen in each):
    sys.exit("line 1: pots hold what is no whole number of fen")
for pot, has, total in head["pots"]:
    shared = [row for row in rows if row["basis"] and row["pot"] == pot]
    for row in shared:
        row["share"], row["left"] = divmod(row["basis"] * has, total) if total > has else (row["basis"], 0)
    spare = min(has, total) - sum(row["share"] for row in shared)
    for row in sorted(shared, key=lambda row: (-row["left"], row["number"]))[:spare]:
        row["share"] += 1
    print(f"factor {min(has, total)}/{total} {pot}".rstrip())
for row in rows:
    from_share = row.get("share", 0) - (row["withheld"] if row["basis"] == row["gross"] else 0)
    due = row["gross"] - row["withheld"] if row["basis"] is None else from_share
    if due != row["payable"]:
        print(f"award {row['number']}: {due} worked out, {row['payable']} listed")
payable = sum(row["payable"] for row in rows)
print(f"{len(rows)} awards, {payable} payable, in hundredths of {head['currency']}")
