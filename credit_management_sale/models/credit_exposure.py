from odoo import api, models
from odoo.tools import SQL

from odoo.addons.credit_management.logic import exposure
from odoo.addons.credit_management.logic.money import to_decimal


class CreditExposureGatherer(models.AbstractModel):
    """Adds the confirmed orders: what is delivered, what is not, what is paid before.

    The host counts what it would invoice today, so an order that is invoiced on
    delivery counts nothing until it is delivered. Here the whole order counts from the
    moment it is confirmed.
    """

    _inherit = "credit.exposure"

    @api.model
    def _get_document_customer(self, document):
        """Override: an order is owed by the customer of its invoice address."""
        if document._name == "sale.order":
            return document.partner_invoice_id.commercial_partner_id
        return super()._get_document_customer(document)

    @api.model
    def _get_part_queries(self, company, partners, document=None):
        """Override: a row for each confirmed order and part of it."""
        queries = super()._get_part_queries(company, partners, document)
        return [*queries, self._get_order_query(company, partners, document)]

    @api.model
    def _get_order_query(self, company, partners, document=None):
        """Return the query that tells what is delivered, ordered and paid before.

        Amounts with taxes, at the price of the order line, by quantity; in the currency
        of the company at the rate of the day of the order, rounded a document. A line
        without quantity (an expense) counts at its price without taxes. What stands on
        a draft invoice is left out here where drafts count; else it is in the order.

        Steps are materialized: an order waits for this, and PostgreSQL would take
        longer to weigh all tables in one than to read the rows of a customer.
        """
        name = document._name if document else ""
        return SQL(
            """
              WITH orders AS (
                SELECT sale.id, customer.commercial_partner_id AS customer_id,
                       COALESCE(NULLIF(sale.currency_rate, 0), 1)::numeric AS rate
                  FROM sale_order sale
                  JOIN res_partner customer ON customer.id = sale.partner_invoice_id
                 WHERE sale.company_id = %(company)s
                   AND customer.commercial_partner_id = ANY(%(partners)s)
                   AND (sale.state = 'sale' OR sale.id = %(order)s)
                   AND sale.state != 'cancel'
            ), invoiced AS MATERIALIZED (
                SELECT link.order_line_id AS id,
                       SUM(CASE move.move_type WHEN 'out_refund' THEN -1 ELSE 1 END
                           * item.quantity::numeric
                           * COALESCE(unit.factor / NULLIF(own.factor, 0), 1)::numeric
                       ) AS quantity,
                       SUM(CASE move.move_type WHEN 'out_refund' THEN -1 ELSE 1 END
                           * item.price_total::numeric
                           / COALESCE(NULLIF(move.invoice_currency_rate, 0), 1)::numeric
                       ) AS amount
                  FROM orders
                  JOIN sale_order_line line ON line.order_id = orders.id
                  JOIN sale_order_line_invoice_rel link ON link.order_line_id = line.id
                  JOIN account_move_line item ON item.id = link.invoice_line_id
                  JOIN account_move move ON move.id = item.move_id
             LEFT JOIN uom_uom unit ON unit.id = item.product_uom_id
             LEFT JOIN uom_uom own ON own.id = line.product_uom_id
                 WHERE move.move_type IN ('out_invoice', 'out_refund')
                   AND (move.state = 'posted'
                        OR move.payment_state = 'invoicing_legacy'
                        OR move.state = 'draft' AND move.move_type = 'out_invoice'
                           AND move.amount_total_signed > 0
                           AND (%(drafts_count)s OR move.id = %(move)s))
              GROUP BY link.order_line_id
            ), lines AS MATERIALIZED (
                SELECT line.order_id,
                       COALESCE(line.is_downpayment, FALSE) AS is_deposit,
                       CASE WHEN line.product_uom_qty != 0
                            THEN line.price_total::numeric
                                 / line.product_uom_qty::numeric
                            ELSE line.price_unit::numeric
                                 * (1 - COALESCE(line.discount, 0)::numeric / 100)
                        END AS price,
                       CASE WHEN line.product_uom_qty < 0 OR line.qty_delivered < 0
                            THEN -1 ELSE 1 END AS sign,
                       ABS(COALESCE(line.product_uom_qty, 0))::numeric AS ordered,
                       ABS(COALESCE(line.qty_delivered, 0))::numeric AS delivered,
                       COALESCE(invoiced.quantity, 0) AS invoiced,
                       COALESCE(invoiced.amount, 0) AS invoiced_amount
                  FROM orders
                  JOIN sale_order_line line ON line.order_id = orders.id
             LEFT JOIN invoiced ON invoiced.id = line.id
                 WHERE line.display_type IS NULL
            ), sums AS MATERIALIZED (
                SELECT order_id,
                       COALESCE(SUM(
                           sign * price * GREATEST(delivered - sign * invoiced, 0)
                       ) FILTER (WHERE NOT is_deposit), 0) AS delivered,
                       COALESCE(SUM(
                           sign * price * GREATEST(
                               ordered - GREATEST(delivered, sign * invoiced), 0)
                       ) FILTER (WHERE NOT is_deposit), 0) AS ordered,
                       COALESCE(SUM(invoiced_amount) FILTER (WHERE is_deposit), 0)
                           AS deposit
                  FROM lines
              GROUP BY order_id
            ), paid AS MATERIALIZED (
                SELECT orders.id AS order_id,
                       SUM(tx.amount::numeric
                           / CASE WHEN tx.currency_id = %(currency)s THEN 1
                                  ELSE orders.rate END) AS amount
                  FROM orders
                  JOIN sale_order_transaction_rel link
                    ON link.sale_order_id = orders.id
                  JOIN payment_transaction tx ON tx.id = link.transaction_id
                  JOIN sale_order sale ON sale.id = orders.id
                 WHERE (tx.state = 'authorized'
                        OR tx.state = 'done' AND tx.is_post_processed IS NOT TRUE)
                   AND tx.operation IS DISTINCT FROM 'refund'
                   AND (tx.currency_id = %(currency)s
                        OR tx.currency_id = sale.currency_id)
                   -- one for an invoice is a payment in process of that
                   AND NOT EXISTS (
                       SELECT FROM account_invoice_transaction_rel
                        WHERE transaction_id = tx.id)
              GROUP BY orders.id
            ), rounded AS (
                SELECT orders.id, orders.customer_id,
                       ROUND(sums.delivered / orders.rate / %(rounding)s)
                           * %(rounding)s AS delivered,
                       ROUND(sums.ordered / orders.rate / %(rounding)s)
                           * %(rounding)s AS ordered,
                       ROUND(sums.deposit / %(rounding)s) * %(rounding)s AS deposit,
                       ROUND(COALESCE(paid.amount, 0) / %(rounding)s)
                           * %(rounding)s AS paid
                  FROM orders
                  JOIN sums ON sums.order_id = orders.id
             LEFT JOIN paid ON paid.order_id = orders.id
            )
            SELECT rounded.customer_id, part.kind, 'sale.order' AS res_model,
                   rounded.id AS res_id, part.amount::text AS amount
              FROM rounded
        CROSS JOIN LATERAL (VALUES
                (%(delivered)s, delivered),
                (%(ordered)s, ordered),
                -- what is paid before is never more than what is left of the order
                (%(deposits)s, - (deposit + LEAST(
                    paid, GREATEST(delivered + ordered - deposit, 0))))
             ) AS part (kind, amount)
             WHERE part.amount != 0
          ORDER BY rounded.id
            """,
            company=company.id,
            partners=partners.ids,
            currency=company.currency_id.id,
            rounding=to_decimal(company.currency_id.rounding),
            delivered=exposure.DELIVERED,
            ordered=exposure.ORDERED,
            deposits=exposure.DEPOSITS,
            order=document.id if name == "sale.order" else 0,
            move=document.id if name == "account.move" else 0,
            drafts_count=self._counts_drafts(company),
        )

    @api.model
    def _get_part_columns(self):
        """Override: the parts of orders have columns of their own."""
        return super()._get_part_columns() | {
            exposure.DELIVERED: ("delivered_amount", 1),
            exposure.ORDERED: ("ordered_amount", 1),
            exposure.DEPOSITS: ("deposit_amount", -1),
        }
