import { invoiceTotal, lineTotal } from './invoice.js'
import { formatAmount } from './money.js'

const WIDTH = 48

const row = (label, amount) => label.padEnd(WIDTH - 12) + formatAmount(amount).padStart(12)

/** The invoice as a person reads it. */
export function printInvoice(invoice) {
  return [
    `Invoice ${invoice.number} for ${invoice.customer}`,
    '-'.repeat(WIDTH),
    ...invoice.lines.map(line => row(`${line.quantity} x ${line.description}`, lineTotal(line))),
    '-'.repeat(WIDTH),
    row('Total', invoiceTotal(invoice)),
  ].join('\n')
}
