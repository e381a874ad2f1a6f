import json

from odoo.http import request

from odoo.addons.web.controllers import export

# A spreadsheet program takes a text that begins so for a formula (OWASP, CSV
# injection). The host minds the first three itself.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def _is_ours():
    """Say whether the request exports one of our models, from whose texts we know
    that customers and mails of customers can write into them."""
    try:
        model = json.loads(request.params["data"])["model"]
    except (KeyError, TypeError, ValueError):
        return False
    return model.startswith("credit.")


class _TextStaysText:
    """A writer of the host's for which no text is a formula or a link."""

    def write(self, row, column, cell_value, style=None):
        if isinstance(cell_value, str):
            return self.worksheet.write_string(row, column, cell_value, style)
        return super().write(row, column, cell_value, style)


class _Writer(_TextStaysText, export.ExportXlsxWriter):
    pass


class _GroupWriter(_TextStaysText, export.GroupExportXlsxWriter):
    pass


class CreditExcelExport(export.ExcelExport):
    def from_group_data(self, fields, columns_headers, groups):
        """Override: what customers wrote is written as text, in group heads too."""
        if not _is_ours():
            return super().from_group_data(fields, columns_headers, groups)
        with _GroupWriter(fields, columns_headers, groups.count) as writer:
            row, column = 1, 0
            for name, group in groups.children.items():
                row, column = writer.write_group(row, column, name, group)
        return writer.value

    def from_data(self, fields, columns_headers, rows):
        """Override: what customers wrote is written as text."""
        if not _is_ours():
            return super().from_data(fields, columns_headers, rows)
        with _Writer(fields, columns_headers, len(rows)) as writer:
            for row_index, row in enumerate(rows, start=1):
                for column, value in enumerate(row):
                    writer.write_cell(row_index, column, value)
        return writer.value


class CreditCSVExport(export.CSVExport):
    def from_data(self, fields, columns_headers, rows):
        """Override: the beginnings that the host does not mind are minded, too."""
        if _is_ours():
            rows = [
                [
                    f"'{value}"
                    if isinstance(value, str) and value.startswith(FORMULA_STARTS[3:])
                    else value
                    for value in row
                ]
                for row in rows
            ]
        return super().from_data(fields, columns_headers, rows)
