// One Idempotency-Key per request body: a repeated click or a retry after a lost answer creates nothing twice. Pure but for chance.

export interface IdempotencyKeys {
  keyFor(body: unknown): string
  /** The request was answered: the same words sent later mean a new thing. */
  done(): void
}

export function createIdempotencyKeys(random: () => string = randomKey): IdempotencyKeys {
  let last: { body: string; key: string } | undefined
  return {
    keyFor(body) {
      const text = JSON.stringify(body)
      if (last?.body !== text) last = { body: text, key: random() }
      return last.key
    },
    done() {
      last = undefined
    },
  }
}

/** `crypto.randomUUID` exists on https and localhost only. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
