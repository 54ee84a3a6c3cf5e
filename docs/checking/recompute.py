"""Work out factor and payments of a published list from the list alone: python recompute.py LIST.ndjson."""

import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    head, *rows, _ = map(json.loads, file)
rows = [dict(zip(head["columns"], row, strict=True)) for row in rows]
shared = [row for row in rows if row["basis"]]
budget, total = head["budget"], sum(row["basis"] for row in shared)
reduced = total > budget
for row in shared:
    row["share"], row["left"] = divmod(row["basis"] * budget, total) if reduced else (row["basis"], 0)
spare = min(budget, total) - sum(row["share"] for row in shared)
for row in sorted(shared, key=lambda row: (-row["left"], row["number"]))[:spare]:
    row["share"] += 1
print(f"factor {min(budget, total)}/{total} = {min(1, budget / (total or 1)):.6%}")
for row in rows:
    from_share = row.get("share", 0) - (row["withheld"] if row["basis"] == row["gross"] else 0)
    due = row["gross"] - row["withheld"] if row["basis"] is None else from_share
    if due != row["payable"]:
        print(f"award {row['number']}: {due} fen worked out, {row['payable']} listed")
print(f"{len(rows)} awards, {sum(row['payable'] for row in rows)} fen payable")
