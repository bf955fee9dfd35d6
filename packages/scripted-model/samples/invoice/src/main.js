import { readFileSync } from 'node:fs'
import { printInvoice } from './print.js'

const [file] = process.argv.slice(2)
if (!file) {
  console.error('Usage: node src/main.js FILE.json')
  process.exit(64)
}
console.log(printInvoice(JSON.parse(readFileSync(file, 'utf8'))))
