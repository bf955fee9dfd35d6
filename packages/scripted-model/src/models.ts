// The models that this server pretends to be.
import { ApiError } from './api-errors.ts'

const MODELS = [
  { id: 'claude-opus-5-5', display_name: 'Claude Opus 5.5', created_at: '2026-06-01T00:00:00Z' },
  { id: 'claude-sonnet-5-5', display_name: 'Claude Sonnet 5.5', created_at: '2026-06-01T00:00:00Z' },
  { id: 'claude-haiku-5-5', display_name: 'Claude Haiku 5.5', created_at: '2026-06-01T00:00:00Z' },
].map(model => ({ type: 'model' as const, ...model }))

/** Every Claude that was or will be: a scenario plays for all of them, and only a name that can't be one is refused. */
const CLAUDE = /^claude-(opus|sonnet|haiku|fable|mythos|instant|\d)[\w.@:[\]-]*$/

export const listModels = () => ({
  data: MODELS,
  has_more: false,
  first_id: MODELS[0]?.id ?? null,
  last_id: MODELS.at(-1)?.id ?? null,
})

export function requireModel(id: string) {
  const known = MODELS.find(model => model.id === id)
  if (known) return known
  if (!CLAUDE.test(id)) throw new ApiError(404, `model: ${id}`)
  return { type: 'model' as const, id, display_name: id, created_at: '2024-01-01T00:00:00Z' }
}
