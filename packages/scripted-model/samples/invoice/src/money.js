// Amounts are whole cents. Only what is shown to a person has a decimal point.

/** Adds tax to a net amount, rounded to a whole cent. */
export function withTax(amount, taxRate) {
  return Math.round(amount * (1 + taxRate))
}

/** 123456 becomes "1,234.56". */
export function formatAmount(amount) {
  const sign = amount < 0 ? '-' : ''
  const [whole, cents] = (Math.abs(amount) / 100).toFixed(2).split('.')
  return `${sign}${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${cents}`
}
