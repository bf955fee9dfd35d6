// Runs once while the image is built: loads the runner so that the code V8 makes of it is kept in the image.
// The runner itself ends at once, because there is no attempt here.
import { readdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'

enableCompileCache('/opt/flowforge/compile-cache')
const chunks = readdirSync(import.meta.dirname).filter(name => name.startsWith('chunk-'))
for (const name of [...chunks, 'main.mjs']) await import(`./${name}`)
