// Which message belongs to which field of a form, and what is left for the form as a whole. Pure.
import { ApiError } from './client.ts'

export interface FormErrors {
  at(path: string): string | undefined
  /** Set when the failure is not told at a field that the form has. */
  general: unknown
}

export function formErrors(error: unknown, knownPaths: readonly string[]): FormErrors {
  const fields = error instanceof ApiError ? error.fieldErrors : []
  const isKnown = (path: string) => knownPaths.some(known => path === known || path.startsWith(`${known}.`))
  const allShown = fields.length > 0 && fields.every(field => isKnown(field.path))
  return {
    at: path => fields.find(field => field.path === path)?.message,
    general: error && !allShown ? error : undefined,
  }
}
