import assert from 'node:assert/strict'
import { test } from 'node:test'
import { invoiceTotal, lineTotal } from '../src/invoice.js'

test('a line is its quantity times the price, plus tax', () => {
  assert.equal(lineTotal({ quantity: 2, unitPrice: 1000, taxRate: 0.2 }), 2400)
})

test('a line without tax costs what it says', () => {
  assert.equal(lineTotal({ quantity: 4, unitPrice: 250, taxRate: 0 }), 1000)
})

test('an invoice is the sum of its lines', () => {
  const lines = [
    { quantity: 3, unitPrice: 199, taxRate: 0.2 },
    { quantity: 1, unitPrice: 500, taxRate: 0.2 },
  ]
  assert.equal(invoiceTotal({ lines }), 1316)
})

test('an invoice without lines costs nothing', () => {
  assert.equal(invoiceTotal({ lines: [] }), 0)
})
