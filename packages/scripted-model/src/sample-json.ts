// Makes the smallest value that a JSON schema admits: for requests that ask for structured output.

interface Schema {
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  anyOf?: unknown[]
  properties?: Record<string, unknown>
  required?: string[]
}

/** `words` fills strings. Nesting is bounded, since the schema comes from the client. */
export function sampleJson(schema: unknown, words: string, depth = 0): unknown {
  if (schema === null || typeof schema !== 'object' || depth > 20) return null
  const { type, enum: choices, const: constant, anyOf, properties = {}, required } = schema as Schema
  if (constant !== undefined) return constant
  if (choices?.length) return choices[0]
  if (anyOf?.length) return sampleJson(anyOf[0], words, depth + 1)
  switch (Array.isArray(type) ? type[0] : type) {
    case 'string':
      return words
    case 'number':
    case 'integer':
      return 0
    case 'boolean':
      return false
    case 'array':
      return []
    case 'object':
      return Object.fromEntries(
        (required ?? Object.keys(properties)).map(key => [
          key,
          sampleJson(properties[key], words, depth + 1),
        ]),
      )
    default:
      return null
  }
}
