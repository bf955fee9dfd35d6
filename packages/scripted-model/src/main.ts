// Starts the scripted model from the command line.
import { parseArgs } from 'node:util'
import { createScriptedModel } from './server.ts'

const HELP = `Usage: node main.ts [--port N] [--host ADDRESS] [--scenarios DIR] [--api-key KEY] [--pace FACTOR]

Plays written scenarios behind Anthropic's Messages API. Point ANTHROPIC_BASE_URL at it.

  --port N          default: a free one
  --host ADDRESS    default: 127.0.0.1
  --scenarios DIR   default: the scenarios that come with it
  --api-key KEY     refuse every other key with 401; default: any key will do
  --pace FACTOR     factor on the scenarios' delays; 0 = none; default: 1`

function numberIn(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (!Number.isFinite(number) || number < 0) throw new Error(`${option} takes a number, not "${text}"`)
  return number
}

async function main(): Promise<void> {
  const string = { type: 'string' } as const
  const { values } = parseArgs({
    options: {
      port: string,
      host: string,
      scenarios: string,
      'api-key': string,
      pace: string,
      help: { type: 'boolean' },
    },
  })
  if (values.help) return console.log(HELP)
  const model = await createScriptedModel({
    port: numberIn(values.port, '--port'),
    host: values.host,
    scenariosDirectory: values.scenarios,
    apiKey: values['api-key'],
    pace: numberIn(values.pace, '--pace'),
  })
  console.log(`scripted model at ${model.url}`)
  const stop = () => void model.close().then(() => process.exit(0))
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}

main().catch((error: Error) => {
  console.error(error.message)
  process.exit(1)
})
