// An expected failure of the image's build: what happened, and what to do.

export class BuildFailure extends Error {
  readonly advice: string

  constructor(message: string, advice: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'BuildFailure'
    this.advice = advice
  }
}
