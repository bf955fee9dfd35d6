// A scenario: what the model says and does for a task, step by step, as written in a YAML file.
// Knows nothing of HTTP; README.md explains each field to those who write scenarios.
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'

/** `s`: a task has many lines and `.` should cross them. */
const Pattern = z.string().transform((source, context) => {
  try {
    return new RegExp(source, 'is')
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message })
    return z.NEVER
  }
})

const When = z.strictObject({ lastToolResult: Pattern })

/** `true`: always. `times`: only the first n requests of this step in a conversation. */
const Fault = z.union([z.literal(true), z.strictObject({ times: z.number().int().positive() })])

const Tool = z.strictObject({ name: z.string(), input: z.record(z.string(), z.unknown()).default({}) })

const PlainStep = z.strictObject({
  when: When.optional(),
  text: z.string().optional(),
  tools: z.array(Tool).default([]),
  usage: z
    .strictObject({
      inputTokens: z.number().int().nonnegative().optional(),
      outputTokens: z.number().int().nonnegative().optional(),
      cacheReadTokens: z.number().int().nonnegative().optional(),
      cacheWriteTokens: z.number().int().nonnegative().optional(),
    })
    .optional(),
  stopReason: z.enum(['end_turn', 'max_tokens', 'refusal', 'pause_turn']).optional(),
  delayMs: z.number().nonnegative().default(0),
  tokensPerSecond: z.number().positive().optional(),
  error: z
    .strictObject({
      status: z.union([
        z.literal(400),
        z.literal(401),
        z.literal(403),
        z.literal(429),
        z.literal(500),
        z.literal(529),
      ]),
      retryAfter: z.number().nonnegative().optional(),
      times: z.number().int().positive().optional(),
      message: z.string().optional(),
    })
    .optional(),
  stall: Fault.optional(),
  cut: Fault.optional(),
  malformed: Fault.optional(),
})
export type PlainStep = z.infer<typeof PlainStep>

const Step = z.union([PlainStep, z.strictObject({ oneOf: z.array(PlainStep).min(1) })])
export type Step = z.infer<typeof Step>

const Reply = z.strictObject({ match: Pattern.optional(), steps: z.array(Step).min(1) })

export const Scenario = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
  description: z.string().optional(),
  match: Pattern.optional(),
  default: z.boolean().default(false),
  for: z.enum(['main', 'sub-agent']).default('main'),
  fixedPace: z.boolean().default(false),
  steps: z.array(Step).min(1),
  replies: z.array(Reply).default([]),
})
export type Scenario = z.infer<typeof Scenario>
/** What a program may hand over instead of a directory: the content of a YAML file as a value. */
export type ScenarioInput = z.input<typeof Scenario>

/** Files in the order of their names; one file holds one scenario or a list of them. */
export async function readScenarios(directory: string): Promise<ScenarioInput[]> {
  const names = (await readdir(directory)).filter(name => /\.ya?ml$/.test(name)).sort()
  const files = await Promise.all(
    names.map(async name => {
      const content: unknown = parse(await readFile(path.join(directory, name), 'utf8'))
      const list = Array.isArray(content) ? content : [content]
      parseScenarios(list, path.join(directory, name))
      return list as ScenarioInput[]
    }),
  )
  return files.flat()
}

export function parseScenarios(scenarios: unknown[], origin = 'scenarios'): Scenario[] {
  const parsed = z.array(Scenario).safeParse(scenarios)
  if (!parsed.success) throw new Error(`${origin}: ${z.prettifyError(parsed.error)}`)
  const names = parsed.data.map(scenario => scenario.name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice) throw new Error(`${origin}: two scenarios are called ${twice}`)
  return parsed.data
}
