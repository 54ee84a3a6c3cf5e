"""Keys that end, keys that were lost, and ledgers that were restored: one key never tells two histories."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.events.event import NOBODY
from domain.log.notes import Checkpoint, NoteError, SignerKey, VerifierKey, open_checkpoint, parse_note
from domain.log.statements import read_key_statement
from ledger.audit import checkpoints, rotation
from ledger.audit.bundle import write_enterprise, write_year
from ledger.audit.check import check_log
from ledger.audit.restores import record_restore
from ledger.intake.inbox import ingest
from ledger.log.key_record import LAST, LogBehindKey, load_key, read_last
from ledger.policies.versions import adopt_policy
from ledger.settlement.published import write_published_list
from ledger.settlement.receipts import make_receipt
from ledger.store.application import Ledger, open_ledger
from services.doctor import keys as doctor_of_keys
from services.sample.city import city
from services.server.app import create_app
from services.verify import main as verify_main
from tests.events import CIXI, CIXI_TEXT
from tests.integration.closings import closed

GOLDEN = Path(__file__).parents[1] / "golden" / "46ad05e"
Run = Callable[..., Any]


@pytest.fixture
def ledger(open_at: Callable[..., Ledger]) -> Ledger:
    """A small city's, on either store."""
    found = open_at()
    adopt_policy(found, CIXI_TEXT)
    ingest(found, list(city(6, seed=4)), "tests")
    return found


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    checkpoints.load_or_make_key(tmp_path / "signing.key", "ledger")
    return tmp_path / "signing.key"


def copied(key: SignerKey) -> SignerKey:
    """A key in a thief's hands: nothing is noted beside it."""
    return SignerKey(key.name, key.seed)


def bundled(ledger: Ledger, out: Path, key: SignerKey, note: str | None = None) -> Path:
    """The bundle of the year, under a checkpoint that a key signs."""
    signed = note or checkpoints.current(ledger, key)
    write_year(ledger, out, CIXI, 2024, signed, Checkpoint.parse(parse_note(signed)[0]).size)
    return out


def verified(capsys: pytest.CaptureFixture[str], file: Path, *options: str) -> tuple[int, str]:
    """What the verifier says of a file, and its exit status."""
    capsys.readouterr()
    status = verify_main([str(file), "--quiet", *options])
    return status, capsys.readouterr().out


def grown(ledger: Ledger, seed: int) -> None:
    ingest(ledger, list(city(2, seed=seed)), "tests")


# --- keys that end ----------------------------------------------------------------------------------


def test_what_a_replaced_key_signs_after_its_end_verifies_nowhere(
    run: Run, ledger: Ledger, key_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leaked = copied(load_key(key_file))
    run("rotate-key")
    grown(ledger, 77)
    forged = bundled(ledger, tmp_path / "forged.zip", leaked)
    code = next(iter(read_codes(ledger)))
    note = checkpoints.current(ledger, leaked)
    size = Checkpoint.parse(parse_note(note)[0]).size
    write_enterprise(ledger, tmp_path / "own.zip", code, CIXI, 2024, note, size, leaked)
    (tmp_path / "keys").write_text(run("log-keys").output)
    (tmp_path / "statement").write_text(run("log-keys", "--statements").output)

    for file in (forged, tmp_path / "own.zip"):
        status, said = verified(capsys, file, "--keys", str(tmp_path / "keys"))
        assert status == 2
        assert "after its end it does not count" in said
        bare = ("--key", str(leaked.verifier), "--statement", str(tmp_path / "statement"))
        assert verified(capsys, file, *bare)[0] == 2
    true = bundled(ledger, tmp_path / "true.zip", load_key(key_file))
    status, said = verified(capsys, true, "--keys", str(tmp_path / "keys"))
    assert status == 0, said
    keys = [VerifierKey.parse(text) for text in run("log-keys").output.split()]
    with ledger.store.reading() as rows:
        assert check_log(rows, keys, [note])[0].description.endswith("it does not count")


def read_codes(ledger: Ledger) -> list[str]:
    with ledger.store.reading() as rows:
        return [row[0] for row in rows.all("SELECT code FROM enterprises ORDER BY code")]


def test_up_to_its_end_a_replaced_key_counts_for_the_log_on_record_alone(
    run: Run,
    ledger: Ledger,
    open_at: Callable[..., Ledger],
    key_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    leaked = copied(load_key(key_file))
    before = checkpoints.current(ledger, load_key(key_file))
    size = Checkpoint.parse(parse_note(before)[0]).size
    early = bundled(ledger, tmp_path / "early.zip", leaked, before)
    grown(ledger, 78)
    run("rotate-key")
    other = open_at(name="forged.db")
    adopt_policy(other, CIXI_TEXT)
    ingest(other, list(city(6, seed=4))[::-1], "tests")
    forged = bundled(other, tmp_path / "forged.zip", leaked)
    (tmp_path / "keys").write_text(run("log-keys").output)

    status, said = verified(capsys, early, "--keys", str(tmp_path / "keys"))
    assert status == 2
    assert f"log-keys --proving {size}" in said
    (tmp_path / "keys").write_text(run("log-keys", "--proving", str(size)).output)
    assert verified(capsys, early, "--keys", str(tmp_path / "keys"))[0] == 0
    status, said = verified(capsys, forged, "--keys", str(tmp_path / "keys"))
    assert (status, "another log" in said) == (2, True)
    assert verified(capsys, early, "--key", str(leaked.verifier))[0] == 0, "whoever has the old key alone"


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_lists_and_receipts_of_a_replaced_key_are_held_to_its_end(
    open_at: Callable[..., Ledger], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = closed(open_at, years=(2024,))
    file = tmp_path / "signing.key"
    leaked = copied(checkpoints.load_or_make_key(file, "ledger"))
    rotation.rotate(scene.ledger, file)
    grown(scene.ledger, 79)
    (tmp_path / "keys").write_text("\n".join(map(str, rotation.public_keys(file, load_key(file).verifier))))

    for name, key, status in (("forged", leaked, (1, 2)), ("true", load_key(file), (0,))):
        note = checkpoints.current(scene.ledger, key)
        with scene.ledger.store.reading() as rows:
            receipt = make_receipt(scene.ledger, rows, scene.code, CIXI, 2024, note, key)
            with (tmp_path / f"{name}.ndjson").open("w", encoding="utf-8") as out:
                write_published_list(rows, CIXI, 2024, out, key)
        (tmp_path / f"{name}.json").write_text(json.dumps(receipt, ensure_ascii=False), "utf-8")
        for suffix in ("json", "ndjson"):
            found = verified(capsys, tmp_path / f"{name}.{suffix}", "--keys", str(tmp_path / "keys"))
            assert found[0] in status, found


def test_a_statement_of_before_ends_the_old_key_where_both_signed() -> None:
    text = (GOLDEN / "signing-key.rotations").read_text("utf-8").strip("\n") + "\n"

    statement = read_key_statement(text)

    checkpoint = Checkpoint.parse(parse_note(text)[0])
    assert statement.old.end is not None
    assert statement.old.end[:2] == (checkpoint.size, checkpoint.root)
    assert VerifierKey.parse(str(statement.old)).end == statement.old.end


@pytest.mark.usefixtures("cut_off_rotation")
def test_a_rotation_is_finished_with_the_end_that_the_old_key_came_to(ledger: Ledger, key_file: Path) -> None:
    grown(ledger, 80)
    between = checkpoints.current(ledger, load_key(key_file))

    rotation.rotate(ledger, key_file)

    assert open_checkpoint(between, rotation.trusted(key_file))[1] == ["ledger"]


def test_a_rotation_that_was_cut_off_at_its_end_is_told_and_not_made_twice(
    run: Run, ledger: Ledger, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it was killed once the key was in its place, or before anybody was told."""
    for step, cut in (("_put_in_place", _put_and_cut), ("end_rotation", _cut)):
        old = load_key(key_file).verifier
        with monkeypatch.context() as patch:
            patch.setattr(rotation, step, cut)
            run("rotate-key", status=1)
        new = load_key(key_file).verifier
        assert new != old
        grown(ledger, 83)
        between = checkpoints.current(ledger, load_key(key_file)) if step == "end_rotation" else None

        said = json.loads(run("rotate-key", "--json").output)

        assert (said["old"], said["new"]) == (str(old), str(new))
        assert load_key(key_file).verifier == new
        last = Checkpoint.parse(parse_note(checkpoints.current(ledger, load_key(key_file)))[0])
        assert between is None or last.size >= Checkpoint.parse(parse_note(between)[0]).size
    run("rotate-key")
    assert load_key(key_file).verifier != new, "one that is asked for anew is another"


def _cut(*_: object) -> None:
    raise OSError("the power went")


def _put_and_cut(path: Path) -> None:
    path.with_name(path.name + rotation.NEW).replace(path)
    _cut()


def test_a_lost_key_ends_where_it_signed_last_and_its_follower_speaks_for_itself_alone(
    run: Run, ledger: Ledger, key_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = load_key(key_file).verifier
    run("checkpoint")
    key_file.unlink()
    for command in (("checkpoint",), ("log-keys",)):
        assert "replace-lost-key" in run(*command, status=1).output
    grown(ledger, 81)

    said = json.loads(run("replace-lost-key", "--old", str(old), "--json").output)

    statement = read_key_statement(said["statement"])
    assert (statement.old, statement.proven, str(statement.old)) == (old, False, said["old"])
    (tmp_path / "statement").write_text(said["statement"])
    bundle = bundled(ledger, tmp_path / "year.zip", load_key(key_file))
    told = ("--statement", str(tmp_path / "statement"))
    status, words = verified(capsys, bundle, "--key", said["new"], *told)
    assert (status, "nothing of it proves that the log goes on unbroken" in words) == (0, True)
    assert verified(capsys, bundle, "--key", str(old), *told)[0] == 2, "its own word does not make it trusted"
    assert run("log-keys").output.split() == [said["new"], said["old"]]


def test_the_service_gives_ends_proofs_and_statements(run: Run, ledger: Ledger, key_file: Path) -> None:
    before = checkpoints.current(ledger, load_key(key_file))
    size = Checkpoint.parse(parse_note(before)[0]).size
    grown(ledger, 82)
    run("rotate-key")
    app = create_app(ledger)
    app.config["SIGNING_KEY"] = str(key_file)

    found = app.test_client().get(f"/v1/log/keys?proving={size}").get_json()

    assert (
        "\n".join([*found["keys"], *found["proofs"]])
        == run("log-keys", "--proving", str(size)).output.strip()
    )
    assert read_key_statement(found["statements"][0]).proven
    assert f"@{size + 0}" not in found["keys"][0]
    page = app.test_client().get("/check").get_data(as_text=True)
    assert found["keys"][1] in page


# --- what was signed last -----------------------------------------------------------------------------


def test_what_is_signed_stands_on_the_disk_before_it_leaves(
    ledger: Ledger, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("ledger.log.key_record.write_durably", full)
        with pytest.raises(NoteError, match="no space"):
            checkpoints.current(ledger, load_key(key_file))
    with ledger.store.reading() as rows:
        assert rows.all("SELECT 1 FROM checkpoints") == []

    note = checkpoints.current(ledger, load_key(key_file))

    assert key_file.with_name(key_file.name + LAST).read_text("utf-8") == note
    assert read_last(key_file) == Checkpoint.parse(parse_note(note)[0])


def test_a_copy_that_lags_behind_is_neither_signed_for_nor_served(
    run: Run, ledger: Ledger, open_at: Callable[..., Ledger], key_file: Path, tmp_path: Path
) -> None:
    ahead = open_at(name="ahead.db")
    adopt_policy(ahead, CIXI_TEXT)
    ingest(ahead, list(city(9, seed=4)), "tests")
    checkpoints.current(ahead, load_key(key_file))
    app = create_app(ledger)
    app.config["SIGNING_KEY"] = str(key_file)
    client = app.test_client()

    for path in ("/v1/log/checkpoint", "/health/ready", f"/console/{CIXI}/2024/audit/bundle"):
        answer = client.get(path)
        assert answer.status_code == 503, path
    assert client.get("/v1/log/checkpoint").get_json()["code"] == "log-not-signed"
    assert "subsidy-ledger restored" in client.get("/v1/log/checkpoint").get_json()["detail"]
    assert "restored" in run("checkpoint", status=1).output
    assert "restored" in run("backup", str(tmp_path / "copy"), status=1).output
    assert "restored" in run("audit", status=1).output
    with ledger.store.reading() as rows:
        found = {each.check: each.level for each in doctor_of_keys.check(rows, key_file)}
    assert found["keys.last"] == "error"


def test_what_stands_beside_the_key_is_its_own_latest_word(run: Run, ledger: Ledger, key_file: Path) -> None:
    """An older checkpoint put back, one that the key never signed, and none at all."""
    key = load_key(key_file)
    beside = key_file.with_name(key_file.name + LAST)
    older = checkpoints.current(ledger, key)
    grown(ledger, 71)
    latest = checkpoints.current(ledger, key)
    body = parse_note(latest)[0]
    stranger = SignerKey(key.name, b"\x05" * 32)

    def found() -> dict[str, str]:
        with ledger.store.reading() as rows:
            return {each.check: each.level for each in doctor_of_keys.check(rows, key_file)}

    assert "keys.last" not in found()
    for text, words in ((older, "was put back"), (f"{body}\n{stranger.sign(body)}", "is not signed by")):
        beside.write_text(text)
        assert found()["keys.last"] == "error"
        assert words in run("audit", status=1).output
    beside.unlink()
    assert found()["keys.last"] == "warning"
    run("checkpoint")
    assert "keys.last" not in found()
    assert beside.read_text() == latest


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_restore_is_told_in_the_log_and_by_the_verifier(
    run: Run,
    ledger: Ledger,
    key_file: Path,
    database_at: Callable[[str], str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("checkpoint")
    run("backup", str(tmp_path / "copy.db"))
    grown(ledger, 83)
    (tmp_path / "lost").write_text(run("checkpoint").output)
    lost = Checkpoint.parse(parse_note((tmp_path / "lost").read_text())[0])
    ledger.close()
    for file in Path(database_at("ledger.db")).parent.glob("ledger.db*"):
        file.unlink()
    shutil.copyfile(tmp_path / "copy.db", database_at("ledger.db"))
    run("checkpoint", status=1)

    said = json.loads(run("restored", "--reason", "the disk died", "--json").output)

    assert (said["signed_size"], said["signed_root"]) == (lost.size, lost.root.hex())
    assert said["log_size"] == said["shared_size"] < lost.size
    (tmp_path / "statement").write_text(said["statement"])
    (tmp_path / "keys").write_text(run("log-keys").output)
    run("bundle", "--year", "2024", "--out", str(tmp_path / "year.zip"))
    given = ("--keys", str(tmp_path / "keys"), "--checkpoint", str(tmp_path / "lost"))
    for seed in range(84, 88):
        again = open_ledger(database_at("ledger.db"))
        grown(again, seed)
        again.close()
    run("bundle", "--year", "2024", "--out", str(tmp_path / "later.zip"))
    status, words = verified(
        capsys, tmp_path / "later.zip", *given, "--statement", str(tmp_path / "statement")
    )
    assert status == 0, words
    assert "the ledger was restored at" in words
    assert "the disk died" in words
    assert "you kept is of the lost history" in words
    assert "admits two histories" in words
    assert run("log-keys", "--statements").output == said["statement"]
    assert json.loads(run("audit", "--json").output)["log"] == []
    again = open_ledger(database_at("ledger.db"))
    with again.store.reading() as rows:
        found = [each for each in doctor_of_keys.check(rows, key_file) if each.check == "keys.restored"]
    assert "compare each payment" in found[0].mend_en
    again.close()
    assert "nothing was restored" in run("restored", "--reason", "again", status=1).output


def test_a_restore_with_nothing_beside_the_key_names_a_checkpoint_that_was_given_out(
    run: Run, ledger: Ledger, open_at: Callable[..., Ledger], key_file: Path, tmp_path: Path
) -> None:
    ahead = open_at(name="ahead.db")
    ingest(ahead, list(city(9, seed=4)), "tests")
    (tmp_path / "given").write_text(checkpoints.current(ahead, copied(load_key(key_file))))
    assert "give a checkpoint" in run("restored", "--reason", "moved", status=1).output

    for _ in range(2):  # the second time, where the first was cut off after the event
        run("restored", "--reason", "moved", "--checkpoint", str(tmp_path / "given"))

    with ledger.store.reading() as rows:
        held = rows.all("SELECT COUNT(*) FROM stored_events WHERE originator_id='log:restores'")
    assert held[0][0] == 1


def test_a_checkpoint_of_a_log_that_another_process_grew_meanwhile_is_no_fork(
    ledger: Ledger, key_file: Path
) -> None:
    key = load_key(key_file)
    for seed in range(90, 94):
        grown(ledger, seed)
        checkpoints.current(ledger, key)
        assert checkpoints.current(ledger, load_key(key_file)) == checkpoints.current(ledger, key)
    with pytest.raises(LogBehindKey):
        raise LogBehindKey(Checkpoint("ledger", 5, b"\x00" * 32), 4)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_the_page_of_payments_says_to_compare_them_with_the_bank(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(2024,))
    key = checkpoints.load_or_make_key(tmp_path / "signing.key", "ledger")
    client = create_app(scene.ledger).test_client()
    path = f"/console/{CIXI}/2024/payments"
    assert "与银行核对" not in client.get(path).get_data(as_text=True)
    body = Checkpoint("ledger", 10_000, b"\x02" * 32).body

    record_restore(scene.ledger, key, NOBODY, "root", "the disk died", f"{body}\n{key.sign(body)}")

    page = client.get(path).get_data(as_text=True)
    assert "与银行核对" in page
    assert "the disk died" in page
