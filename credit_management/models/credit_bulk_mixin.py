import io
import json

import psycopg2.extras

from odoo import api, models
from odoo.tools import SQL, float_repr

ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
EMPTY = r"\N"


class CreditBulkMixin(models.AbstractModel):
    """Writes many rows at once, where the ORM's ``create`` is what a run waits for."""

    _name = "credit.bulk.mixin"
    _description = "Rows Written in Bulk"

    @api.model
    def _create_in_bulk(self, vals_list):
        """Create records by one COPY, with the columns that ``create`` would write.

        Defaults, rounding and access are those of ``create``. What it does not do: call
        the ``create`` of other modules, check constraint methods, post in the chatter.
        The caller gives the stored computed fields it knows; those of other modules
        are computed afterwards as ever.

        :param vals_list: values as for ``create``; of x2many fields only
            ``Command.set`` on a many2many
        """
        if not vals_list:
            return self.browse()
        self.check_access("create")
        names = list(dict.fromkeys(name for vals in vals_list for name in vals))
        own = [self._fields[name] for name in names]
        records = self.browse(self._reserve_ids(len(vals_list)))
        columns = {"id": [str(id_) for id_ in records._ids]}
        columns |= self._get_constant_columns(set(names), len(vals_list))
        for field in own:
            if field.column_type:
                columns[field.name] = self._get_column(field, vals_list)
        self._copy(self._table, columns)
        for field in own:
            if field.type == "many2many":
                self._copy_links(field, records, vals_list)
        computed = [field for field in own if field.store and field.compute]
        with self.env.protecting(computed, records):
            records.modified(self._fields, create=True)
        return records

    def _reserve_ids(self, count):
        """Take ids for new rows out of the table's sequence."""
        rows = self.env.execute_query(
            SQL(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id'))"
                " FROM generate_series(1, %s)",
                self._table,
                count,
            )
        )
        return [id_ for (id_,) in rows]

    def _get_constant_columns(self, given, count):
        """Return the columns that are the same in each new row: defaults and log."""
        left = [
            field
            for field in self._fields.values()
            if field.store and field.column_type and field.name not in given
        ]
        defaults = self.default_get([field.name for field in left if not field.compute])
        constants = {
            field.name: field.convert_to_column_insert(defaults[field.name], self)
            for field in left
            if field.name in defaults
        }
        if self._log_access:
            now, uid = self.env.cr.now(), self.env.uid
            constants |= {"create_uid": uid, "write_uid": uid}
            constants |= {"create_date": now, "write_date": now}
        return {name: [_to_text(value)] * count for name, value in constants.items()}

    def _get_column(self, field, vals_list):
        """Return a column as the texts that COPY takes, one a row."""
        name = field.name
        if any(name not in vals for vals in vals_list):
            # As in `create`: a value that is not given is the default, or nothing.
            default = self.default_get([name]).get(name)
            if default is None:
                given = [vals for vals in vals_list if name in vals]
                texts = iter(self._get_column(field, given))
                return [next(texts) if name in vals else EMPTY for vals in vals_list]
            vals_list = [{name: default} | vals for vals in vals_list]
        if field.type == "monetary":
            return self._get_money_column(field, vals_list)
        values = [vals[name] for vals in vals_list]
        if field.type in ("many2one", "date"):
            return [str(value) if value else EMPTY for value in values]
        if field.type == "integer":
            return [str(value or 0) for value in values]
        if field.type == "boolean":
            return ["t" if value else "f" for value in values]
        return [
            _to_text(field.convert_to_column_insert(value, self, vals))
            for value, vals in zip(values, vals_list, strict=True)
        ]

    def _get_money_column(self, field, vals_list):
        """Return a column of amounts, rounded as their currency rounds."""
        anchor = field.get_currency_field(self)
        related = self._fields[anchor].related
        first, _dot, rest = (related or "").partition(".")
        currencies, texts = {}, []
        for vals in vals_list:
            key = (vals.get(anchor), vals.get(first))
            if key not in currencies:
                if vals.get(anchor):
                    currency = self.env["res.currency"].browse(vals[anchor])
                else:
                    model = self.env[self._fields[first].comodel_name]
                    # sudo: the currency of a company is no secret.
                    currency = model.sudo().browse(vals[first]).mapped(rest)
                currencies[key] = (currency, currency.decimal_places)
            currency, places = currencies[key]
            value = vals[field.name] or 0.0
            text = f"{value:.{places}f}"
            if float(text) != value or text.startswith("-0"):
                text = float_repr(currency.round(value), places)
            texts.append(text)
        return texts

    def _copy_links(self, field, records, vals_list):
        """Write the relation of a many2many, given by ``Command.set``."""
        links = [
            (str(record_id), str(linked_id))
            for record_id, vals in zip(records._ids, vals_list, strict=True)
            for _command, _zero, linked_ids in vals.get(field.name, ())
            for linked_id in linked_ids
        ]
        if links:
            names = (field.column1, field.column2)
            columns = zip(*links, strict=True)
            self._copy(field.relation, dict(zip(names, columns, strict=True)))

    def _copy(self, table, columns):
        """Send columns of texts to the database."""
        rows = zip(*columns.values(), strict=True)
        text = io.StringIO("".join(["\t".join(row) + "\n" for row in rows]))
        statement = SQL(
            "COPY %s (%s) FROM STDIN",
            SQL.identifier(table),
            SQL(", ").join(map(SQL.identifier, columns)),
        )
        self.env.cr.copy_expert(statement.code, text)


def _to_text(value):
    """Return a value in the text format of COPY."""
    if value is None:
        return EMPTY
    if isinstance(value, str):
        return value.translate(ESCAPES)
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, psycopg2.extras.Json):
        return json.dumps(value.adapted).translate(ESCAPES)
    return str(value)
