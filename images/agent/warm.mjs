// Runs once while the image is built: loads the runner so that the code V8 makes of it is kept in the image.
// The runner itself ends at once, because there is no attempt here.
import { readdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'

enableCompileCache('/opt/flowforge/compile-cache')
for (const name of readdirSync(import.meta.dirname)) {
  if (name.startsWith('chunk-')) await import(`./${name}`)
}
await import('./main.mjs')
