"""Files that commands write: whole or not at all, and never in the place of what is no file."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread

import click
import pytest

from services.web.exports import whole_or_nothing


def write(out: Path, text: str) -> None:
    with whole_or_nothing(out) as part:
        part.write_text(text, "utf-8")


def test_what_breaks_off_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    out = tmp_path / "books.journal"
    write(out, "before")

    def break_off() -> None:
        with whole_or_nothing(out) as part:
            part.write_text("half", "utf-8")
            raise KeyError("broken off")

    with pytest.raises(KeyError):
        break_off()
    assert {file.name: file.read_text("utf-8") for file in tmp_path.iterdir()} == {out.name: "before"}


def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = Thread(target=lambda: read.append(pipe.read_text("utf-8")))
    reader.start()
    write(pipe, "text")
    reader.join(10)
    assert read == ["text"]
    assert pipe.is_fifo()


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    file, link = tmp_path / "2024.csv", tmp_path / "latest.csv"
    file.touch()
    link.symlink_to(file.name)
    write(link, "text")
    assert link.is_symlink()
    assert file.read_text("utf-8") == "text"


def test_a_folder_is_no_file_to_write(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match="name a file that can be written"):
        write(tmp_path, "text")
