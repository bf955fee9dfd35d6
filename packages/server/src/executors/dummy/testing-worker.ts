// A process that starts one dummy container and prints its handle, for the tests of what outlives it.
import { createSurvivingDummyExecutor } from './surviving.ts'

const [directory = '', spec = ''] = process.argv.slice(2)
const handle = await createSurvivingDummyExecutor({ directory }).start(JSON.parse(spec))
process.stdout.write(`${JSON.stringify(handle)}\n`)
setInterval(() => {}, 1000)
