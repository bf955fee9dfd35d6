// A job's state as icon and word. Colour never stands alone.
import type { JobState, WaitingFor } from '@flowforge/sdk'
import { Ban, CircleCheck, CircleDashed, CircleDot, CirclePause, CircleX, LoaderCircle } from 'lucide-react'
import { Badge, TONE_TEXT, type Tone } from '../ui/Badge.tsx'
import { cn } from '../ui/classes.ts'

const LOOKS: Record<JobState, { word: string; tone: Tone; icon: typeof Ban; spins?: true }> = {
  pending: { word: 'Pending', tone: 'neutral', icon: CircleDashed },
  queued: { word: 'Queued', tone: 'neutral', icon: CircleDot },
  running: { word: 'Running', tone: 'blue', icon: LoaderCircle, spins: true },
  waiting: { word: 'Waiting', tone: 'violet', icon: CirclePause },
  succeeded: { word: 'Succeeded', tone: 'green', icon: CircleCheck },
  failed: { word: 'Failed', tone: 'red', icon: CircleX },
  cancelled: { word: 'Cancelled', tone: 'neutral', icon: Ban },
}

export const STATES_IN_ORDER = Object.keys(LOOKS) as JobState[]

// A server newer than this console may know more states.
const lookOf = (state: JobState) => LOOKS[state] ?? { word: state, tone: 'neutral', icon: CircleDot }

export const stateWord = (state: JobState): string => lookOf(state).word

const WAITING: Record<WaitingFor, string> = {
  question: 'needs an answer',
  plan: 'needs approval',
  budget: 'needs budget',
  reply: 'needs a reply',
}

export const waitingWord = (waitingFor: WaitingFor): string => WAITING[waitingFor] ?? 'needs a person'

export function StateIcon({ state, className }: { state: JobState; className?: string }) {
  const { icon: Icon, tone, spins, word } = lookOf(state)
  return (
    <Icon
      role="img"
      aria-label={word}
      className={cn('size-4 shrink-0', TONE_TEXT[tone], spins && 'animate-spin', className)}
    />
  )
}

export function StateBadge({ state }: { state: JobState }) {
  const { icon: Icon, tone, spins, word } = lookOf(state)
  return (
    <Badge tone={tone}>
      <Icon aria-hidden className={spins && 'animate-spin'} />
      {word}
    </Badge>
  )
}
