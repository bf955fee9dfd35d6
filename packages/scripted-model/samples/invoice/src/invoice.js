import { withTax } from './money.js'

/** What the customer pays for one line, in cents. */
export function lineTotal({ quantity, unitPrice, taxRate }) {
  return quantity * withTax(unitPrice, taxRate)
}

/** What the customer pays for the whole invoice, in cents. */
export function invoiceTotal({ lines }) {
  return lines.reduce((total, line) => total + lineTotal(line), 0)
}
