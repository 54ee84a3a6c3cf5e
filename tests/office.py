"""LibreOffice at work, without a screen: a macro fills in workbooks and saves them in any form."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

import pytest

from tests.processes import Watchman
from tests.programs import SECONDS_MAX, program, run

MACRO = """
Sub Serve(folder As String)
  Dim number As Long, job As String, pause As Long
  number = 1
  pause = 20
  Do
    job = folder & "/" & number
    If FileExists(job & ".job") Then
      Say(job, Work(job & ".job"))
      number = number + 1
      pause = 20
    ElseIf FileExists(folder & "/end") Then
      StarDesktop.terminate()
      Exit Sub
    Else
      Wait pause
      If pause < 500 Then pause = pause + 5
    End If
  Loop
End Sub

Sub Say(job As String, words As String)
  Dim number As Integer
  number = FreeFile()
  Open ConvertFromURL(job & ".saying") For Output As #number
  Print #number, words
  Close #number
  Name ConvertFromURL(job & ".saying") As ConvertFromURL(job & ".said")
End Sub

Function Work(job As String) As String
  Dim files, stream, document, target As String, said As String
  Dim opened(0) As New com.sun.star.beans.PropertyValue
  Dim saved(1) As New com.sun.star.beans.PropertyValue
  On Error GoTo Failed
  files = createUnoService("com.sun.star.ucb.SimpleFileAccess")
  stream = createUnoService("com.sun.star.io.TextInputStream")
  stream.setInputStream(files.openFileRead(job))
  stream.setEncoding("UTF-8")
  opened(0).Name = "Hidden"
  opened(0).Value = True
  document = StarDesktop.loadComponentFromURL(stream.readLine(), "_blank", 0, opened())
  target = stream.readLine()
  saved(0).Name = "FilterName"
  saved(0).Value = stream.readLine()
  saved(1).Name = "FilterOptions"
  saved(1).Value = stream.readLine()
  Do While Not stream.isEOF()
    said = stream.readLine()
    If Len(said) > 0 Then TypeIn(document, Split(said, Chr(9)))
  Loop
  stream.closeInput()
  document.storeToURL(target, saved())
  document.close(True)
  Work = "saved"
  Exit Function
Failed:
  Work = Error$ & " at line " & Erl
End Function

Sub TypeIn(document, parts)
  Dim sheet, cell
  sheet = document.Sheets.getByName(parts(0))
  If parts(2) = "merge" Or parts(2) = "unmerge" Then
    sheet.getCellRangeByName(parts(1)).merge(parts(2) = "merge")
    Exit Sub
  End If
  cell = sheet.getCellRangeByName(parts(1))
  If parts(2) = "text" Then cell.setString(parts(3))
  If parts(2) = "number" Then cell.setValue(CDbl(Val(parts(3))))
  If parts(2) = "formula" Then
    cell.NumberFormat = 0
    cell.setFormula(parts(3))
  End If
  If parts(2) = "clear" Then cell.setString("")
  If parts(2) = "date" Then
    cell.NumberFormat = DateFormat(document)
    cell.setFormula("=DATE(" & parts(3) & ")")
    cell.setValue(cell.getValue())
  End If
End Sub

Function DateFormat(document)
  Dim formats, locale As New com.sun.star.lang.Locale
  formats = document.getNumberFormats()
  DateFormat = formats.queryKey("YYYY-MM-DD", locale, False)
  If DateFormat = -1 Then DateFormat = formats.addNew("YYYY-MM-DD", locale)
End Function
"""
LIBRARY = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE library:library PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "library.dtd">\n'
    '<library:library xmlns:library="http://openoffice.org/2000/library" library:name="Standard" '
    'library:readonly="false" library:passwordprotected="false">'
    '<library:element library:name="Fills"/></library:library>'
)
MODULE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">\n'
    '<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Fills" '
    'script:language="StarBasic">{}</script:module>'
)


class Typed(NamedTuple):
    """What somebody types into a cell: ``kind`` is text, number, formula, date (y;m;d), merge, clear."""

    sheet: str
    cell: str
    kind: str
    value: str = ""


class Office:
    """LibreOffice with a profile of its own, started once, which does job after job until it is closed."""

    def __init__(self, folder: Path) -> None:
        self._jobs = folder / "jobs"
        self._jobs.mkdir(parents=True)
        self._count = 0
        profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
        command = (program("soffice"), profile, "--headless", "--norestore")
        run(*command, "--terminate_after_init")  # makes the profile, with a library that is empty
        standard = folder / "profile" / "user" / "basic" / "Standard"
        (standard / "script.xlb").write_text(LIBRARY, "utf-8")
        (standard / "Fills.xba").write_text(MODULE.format(escape(MACRO)), "utf-8")
        self._watchman = Watchman(profile)
        self._process = subprocess.Popen(
            [*command, f"macro:///Standard.Fills.Serve({self._jobs.as_uri()})"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def fill(self, workbook: Path, typed: Iterable[Typed], out: Path) -> None:
        """Open a workbook, type into its cells, and save it as xlsx."""
        self._work(workbook, out, "Calc MS Excel 2007 XML", "", typed)

    def print_pdf(self, workbook: Path, out: Path) -> None:
        """Print a workbook as PDF."""
        self._work(workbook, out, "calc_pdf_Export")

    def read_text(self, document: Path, out: Path) -> str:
        """A document's text; of a workbook, its first sheet with amounts as shown."""
        if document.suffix == ".docx":
            self._work(document, out, "Text (encoded)", "UTF8,LF,,zh-CN")
        else:
            self._work(document, out, "Text - txt - csv (StarCalc)", "44,34,76")
        return out.read_text("utf-8-sig")

    def _work(
        self, source: Path, out: Path, form: str, options: str = "", typed: Iterable[Typed] = ()
    ) -> None:
        self._count += 1
        job = self._jobs / str(self._count)
        lines = [source.as_uri(), out.as_uri(), form, options, *("\t".join(each) for each in typed)]
        job.with_suffix(".writing").write_text("\n".join(lines) + "\n", "utf-8")
        job.with_suffix(".writing").rename(job.with_suffix(".job"))
        until = time.monotonic() + SECONDS_MAX
        while not job.with_suffix(".said").exists():
            assert self._process.poll() is None, "LibreOffice ended"
            assert time.monotonic() < until, "LibreOffice does not answer"
            time.sleep(0.02)
        said = job.with_suffix(".said").read_text("utf-8").strip()
        assert (said, out.exists()) == ("saved", True)

    def close(self) -> None:
        """End it, gently where it answers."""
        (self._jobs / "end").touch()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._watchman.dismiss()


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One LibreOffice for all tests of a worker."""
    with closing(Office(tmp_path_factory.mktemp("office"))) as office:
        yield office
