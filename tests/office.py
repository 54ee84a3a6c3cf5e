"""LibreOffice at work, without a screen: a macro of its own fills in a workbook and saves it as xlsx."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

from tests.programs import program, run

MACRO = """
Sub Fill(jobPath As String)
  Dim files, stream, document, sheet, cell, parts, said, saved(0) As New com.sun.star.beans.PropertyValue
  Dim opened(0) As New com.sun.star.beans.PropertyValue
  On Error GoTo Failed
  files = createUnoService("com.sun.star.ucb.SimpleFileAccess")
  stream = createUnoService("com.sun.star.io.TextInputStream")
  stream.setInputStream(files.openFileRead(jobPath))
  stream.setEncoding("UTF-8")
  opened(0).Name = "Hidden"
  opened(0).Value = True
  document = StarDesktop.loadComponentFromURL(stream.readLine(), "_blank", 0, opened())
  Dim target As String
  target = stream.readLine()
  Do While Not stream.isEOF()
    said = stream.readLine()
    If Len(said) > 0 Then
      parts = Split(said, Chr(9))
      sheet = document.Sheets.getByName(parts(0))
      If parts(2) = "merge" Or parts(2) = "unmerge" Then
        sheet.getCellRangeByName(parts(1)).merge(parts(2) = "merge")
      Else
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
      End If
    End If
  Loop
  saved(0).Name = "FilterName"
  saved(0).Value = "Calc MS Excel 2007 XML"
  document.storeToURL(target, saved())
  document.close(True)
  StarDesktop.terminate()
  Exit Sub
Failed:
  Dim number As Integer
  number = FreeFile()
  Open ConvertFromURL(jobPath) & ".error" For Output As #number
  Print #number, Error$ & " at line " & Erl
  Close #number
  StarDesktop.terminate()
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


def profile(folder: Path) -> tuple[str, ...]:
    """LibreOffice with a profile of its own that knows the macro."""
    where = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    office = (program("soffice"), where, "--headless", "--norestore")
    standard = folder / "profile" / "user" / "basic" / "Standard"
    if not (standard / "Fills.xba").exists():
        run(*office, "--terminate_after_init")  # makes the profile, with a library that is empty
        (standard / "script.xlb").write_text(LIBRARY, "utf-8")
        (standard / "Fills.xba").write_text(MODULE.format(escape(MACRO)), "utf-8")
    return office


def fill(workbook: Path, typed: Iterable[Typed], out: Path, folder: Path) -> None:
    """Open a workbook in LibreOffice, type into its cells, and save it as xlsx."""
    folder.mkdir(exist_ok=True)
    job = folder / "job.tsv"
    lines = [workbook.as_uri(), out.as_uri(), *("\t".join(each) for each in typed)]
    job.write_text("\n".join(lines) + "\n", "utf-8")
    run(*profile(folder), f"macro:///Standard.Fills.Fill({job.as_uri()})")
    wrong = job.with_suffix(".tsv.error")
    assert out.exists(), wrong.read_text("utf-8") if wrong.exists() else "LibreOffice saved nothing"


def as_pdf(workbook: Path, folder: Path) -> Path:
    """A workbook as LibreOffice prints it."""
    folder.mkdir(exist_ok=True)
    run(*profile(folder), "--convert-to", "pdf", "--outdir", str(folder), str(workbook))
    return folder / f"{workbook.stem}.pdf"


def as_text(document: Path, folder: Path) -> str:
    """A document's text as LibreOffice reads it; of a workbook, its first sheet with amounts as shown."""
    folder.mkdir(exist_ok=True)
    form = (
        "txt:Text (encoded):UTF8"
        if document.suffix == ".docx"
        else "csv:Text - txt - csv (StarCalc):44,34,76"
    )
    run(*profile(folder), "--convert-to", form, "--outdir", str(folder), str(document))
    suffix = ".txt" if document.suffix == ".docx" else ".csv"
    return (folder / f"{document.stem}{suffix}").read_text("utf-8-sig")
