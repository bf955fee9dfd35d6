// Writes openapi.json from the routes, and the SDK's types from openapi.json. With --check it only compares.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import openapiTS, { astToString } from 'openapi-typescript'
import { pino } from 'pino'
import { VERSION } from '../packages/server/src/config.ts'
import { createApp } from '../packages/server/src/http/app.ts'
import type { HttpContext } from '../packages/server/src/http/context.ts'

const ROOT = join(import.meta.dirname, '..')
const HEADER = '// Generated from openapi.json by script/gen. Do not edit.\n\n'

/** The routes describe themselves without being called: nothing of their surroundings is needed. */
async function describeApi(): Promise<object> {
  const context = {
    version: VERSION,
    publicUrl: 'http://127.0.0.1:7420',
    webDirectory: null,
    log: pino({ level: 'silent' }),
  }
  const app = await createApp(context as HttpContext)
  const document = app.swagger()
  await app.close()
  return document
}

const api = await describeApi()
const outputs = new Map([
  ['openapi.json', `${JSON.stringify(api, null, 2)}\n`],
  [
    'sdks/typescript/src/generated/api.d.ts',
    HEADER + astToString(await openapiTS(JSON.parse(JSON.stringify(api)))),
  ],
])

if (process.argv.includes('--check')) {
  const stale = []
  for (const [file, text] of outputs)
    if ((await readFile(join(ROOT, file), 'utf8').catch(() => '')) !== text) stale.push(file)
  if (stale.length > 0) {
    process.stderr.write(
      `Not what the code says: ${stale.join(', ')}. Run script/gen and commit the result.\n`,
    )
    process.exit(1)
  }
} else {
  for (const [file, text] of outputs) await writeFile(join(ROOT, file), text)
  process.stdout.write(`wrote ${[...outputs.keys()].join(', ')}\n`)
}
