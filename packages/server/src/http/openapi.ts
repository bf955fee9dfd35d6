// The OpenAPI 3.1 document: made from the routes' schemas, without the twins that the generator makes for input and output
// where the two do not differ.

import { jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { OpenAPIV3_1 } from 'openapi-types'

const INPUT = 'Input'
type Documents = Parameters<typeof jsonSchemaTransformObject>[0]

export function openApiDocument(documents: Documents): ReturnType<typeof jsonSchemaTransformObject> {
  const document = jsonSchemaTransformObject(documents) as OpenAPIV3_1.Document
  const schemas = document.components?.schemas ?? {}
  const text = JSON.stringify(document)
  const used = (name: string) => text.includes(`"#/components/schemas/${name}"`)
  // Used as input alone: it takes the plain name. Used as both: both stay.
  const renamed = Object.keys(schemas)
    .filter(name => name.endsWith(INPUT) && used(name) && !used(name.slice(0, -INPUT.length)))
    .map(name => name.slice(0, -INPUT.length))
  let rewritten = text
  for (const name of renamed)
    rewritten = rewritten.replaceAll(
      `"#/components/schemas/${name}${INPUT}"`,
      `"#/components/schemas/${name}"`,
    )
  const result = JSON.parse(rewritten) as OpenAPIV3_1.Document
  const kept = result.components?.schemas ?? {}
  for (const name of renamed) kept[name] = kept[`${name}${INPUT}`]!
  for (const name of Object.keys(kept))
    if (!rewritten.includes(`"#/components/schemas/${name}"`)) delete kept[name]
  return result as ReturnType<typeof jsonSchemaTransformObject>
}
