"""Papers that were signed: a note over their SHA-256 list, so that none is changed or exchanged unseen."""

from __future__ import annotations

from pathlib import Path

from domain.log.notes import NoteError, SignerKey, VerifierKey, parse_note
from ledger.audit.checkpoints import load_or_make_key
from services.workbench.opening import digest_of_file
from services.workbench.tables import AboutBundle
from services.workbench.writing import PAPERS_FOLDER

FORM = "subsidy-ledger-workbench/papers/1"
NOTE = "papers.note"


def read_or_make_key(path: Path, name: str | None) -> SignerKey:
    """The auditor's key from its file; one is made where a name is given and no file is there.

    Raises:
        NoteError: where the file is no key, or there is neither file nor name.
    """
    if not path.exists() and (not name or any(letter.isspace() or letter == "+" for letter in name)):
        raise NoteError(f"no key in {path}: give --name to make one", f"{path} 没有密钥：用 --name 生成")
    return load_or_make_key(path, name or "")


def list_digests(folder: Path) -> list[str]:
    """The papers' SHA-256 and names, sorted by name; the opinion and the parameters are among them."""
    papers = sorted((folder / PAPERS_FOLDER).glob("*"))
    beside = [path for name in ("parameters.json", "opinion.docx") if (path := folder / name).is_file()]
    if not papers:
        raise NoteError(f"no papers in {folder}: run papers first", f"{folder} 里没有底稿：请先 papers")
    return [f"{digest_of_file(path)}  {path.relative_to(folder).as_posix()}" for path in [*papers, *beside]]


def note_body(folder: Path, origin: AboutBundle) -> str:
    """What is signed: the form, the bundle, its checkpoint, and the papers' digests."""
    head = [FORM, origin.sha256, f"{origin.size} {origin.root}", origin.program]
    return "\n".join([*head, *list_digests(folder)]) + "\n"


def sign_papers(folder: Path, origin: AboutBundle, key: SignerKey) -> Path:
    """Sign the papers as they are; a signature of others on the same papers stays."""
    body, path, signatures_before = note_body(folder, origin), folder / NOTE, ""
    if path.is_file():
        before, signatures = parse_note(path.read_text("utf-8"))
        if before == body and not any(key.verifier.verifies(body, each) for each in signatures):
            signatures_before = path.read_text("utf-8").rpartition("\n\n")[2]
    path.write_text(f"{body}\n{signatures_before}{key.sign(body)}", "utf-8")
    return path


def check_papers(folder: Path, keys: list[VerifierKey]) -> list[str]:
    """What does not match the signed note; nothing where all is as it was signed.

    Raises:
        NoteError: where there is no note.
    """
    try:
        body, signatures = parse_note((folder / NOTE).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise NoteError(f"{folder / NOTE}: {error}", f"{folder} 里没有签字：请先 sign") from None
    faults = []
    if not any(key.verifies(body, each) for key in keys for each in signatures):
        faults.append("没有一个签字出自所给的公钥 · no signature is of the keys that were given")
    lines = body.splitlines()
    if not lines or lines[0] != FORM:
        return [*faults, f"不是底稿的签字 · not a note over papers: {lines[:1]}"]
    signed = {line[66:]: line[:64] for line in lines[4:]}
    there = {line[66:]: line[:64] for line in list_digests(folder)}
    for name in sorted(signed.keys() | there.keys()):
        if name not in there:
            faults.append(f"{name}: 缺少 · missing")
        elif name not in signed:
            faults.append(f"{name}: 签字后添加 · added after the signature")
        elif signed[name] != there[name]:
            faults.append(f"{name}: 签字后改动 · changed after the signature")
    return faults
