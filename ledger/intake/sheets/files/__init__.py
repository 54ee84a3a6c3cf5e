"""Files as spreadsheets: workbooks and CSV, down to their cells."""
