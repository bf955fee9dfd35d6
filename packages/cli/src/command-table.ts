// Every command by name, with the line that help shows. A command's own module is loaded only when it is used.
import type { LoadedCommand } from './command.ts'

export interface Verb {
  name: string
  summary: string
  load: () => Promise<{ command: LoadedCommand }>
  /** What its noun alone means. */
  isDefault?: boolean
}

export interface Noun {
  name: string
  summary: string
  verbs: Verb[]
}

export type CommandEntry = Verb | Noun

export const COMMANDS: CommandEntry[] = [
  { name: 'run', summary: 'Submit a task and follow it to its end', load: () => import('./commands/run.ts') },
  {
    name: 'job',
    summary: 'Look at jobs, follow them, talk to them, change, cancel and retry them',
    verbs: [
      { name: 'list', summary: 'List jobs, newest first', load: () => import('./commands/job/list.ts') },
      { name: 'show', summary: 'Show one job', load: () => import('./commands/job/show.ts') },
      {
        name: 'logs',
        summary: "Print a job's story; -f follows it",
        load: () => import('./commands/job/logs.ts'),
      },
      { name: 'diff', summary: 'Print what a job changed', load: () => import('./commands/job/diff.ts') },
      {
        name: 'attempts',
        summary: 'List every try at a job',
        load: () => import('./commands/job/attempts.ts'),
      },
      { name: 'cancel', summary: 'Cancel a job', load: () => import('./commands/job/cancel.ts') },
      {
        name: 'retry',
        summary: 'Try a failed or cancelled job again',
        load: () => import('./commands/job/retry.ts'),
      },
      {
        name: 'reply',
        summary: 'Tell Claude something, answer it, or take a finished job up again',
        load: () => import('./commands/job/reply.ts'),
      },
      {
        name: 'approve',
        summary: 'Decide what a job asks: its plan, a call, a question',
        load: () => import('./commands/job/approve.ts'),
      },
      {
        name: 'budget',
        summary: 'Change how much a job may cost',
        load: () => import('./commands/job/budget.ts'),
      },
      {
        name: 'priority',
        summary: "Change a job's place in the queue",
        load: () => import('./commands/job/priority.ts'),
      },
      {
        name: 'submit',
        summary: 'Submit many jobs from a file, all of them or none',
        load: () => import('./commands/job/submit.ts'),
      },
      {
        name: 'interrupt',
        summary: 'End the turn of a job and keep what it has done',
        load: () => import('./commands/job/interrupt.ts'),
      },
    ],
  },
  {
    name: 'repo',
    summary: 'Repositories that jobs work on',
    verbs: [
      { name: 'list', summary: 'List repositories', load: () => import('./commands/repo/list.ts') },
      {
        name: 'add',
        summary: 'Add a repository by its Git URL',
        load: () => import('./commands/repo/add.ts'),
      },
      {
        name: 'push',
        summary: 'Push a work tree to a hosted repository',
        load: () => import('./commands/repo/push.ts'),
      },
      {
        name: 'remove',
        summary: 'Remove a repository from FlowForge',
        load: () => import('./commands/repo/remove.ts'),
      },
      {
        name: 'allow',
        summary: 'Let the jobs of a repository reach a domain',
        load: () => import('./commands/repo/allow.ts'),
      },
    ],
  },
  {
    name: 'schedule',
    summary: 'Jobs that are submitted again and again',
    verbs: [
      {
        name: 'create',
        summary: 'Submit a job again and again',
        load: () => import('./commands/schedule/create.ts'),
      },
      {
        name: 'list',
        summary: 'List schedules and when they run next',
        load: () => import('./commands/schedule/list.ts'),
      },
      {
        name: 'show',
        summary: 'Show a schedule and what became of its runs',
        load: () => import('./commands/schedule/show.ts'),
      },
      {
        name: 'pause',
        summary: 'Stop a schedule until it is resumed',
        load: () => import('./commands/schedule/pause.ts'),
      },
      {
        name: 'resume',
        summary: 'Let a paused schedule run again',
        load: () => import('./commands/schedule/resume.ts'),
      },
      {
        name: 'run',
        summary: "Submit a schedule's job now",
        load: () => import('./commands/schedule/run.ts'),
      },
      {
        name: 'remove',
        summary: 'Remove a schedule; its jobs stay',
        load: () => import('./commands/schedule/remove.ts'),
      },
    ],
  },
  {
    name: 'key',
    summary: 'API keys for programs',
    verbs: [
      {
        name: 'create',
        summary: 'Create an API key and print it once',
        load: () => import('./commands/key/create.ts'),
      },
      { name: 'list', summary: 'List API keys', load: () => import('./commands/key/list.ts') },
      {
        name: 'revoke',
        summary: 'Make an API key worthless',
        load: () => import('./commands/key/revoke.ts'),
      },
    ],
  },
  {
    name: 'login',
    summary: 'Sign in to a server with an API key',
    load: () => import('./commands/login.ts'),
  },
  { name: 'logout', summary: 'Forget the API key of a server', load: () => import('./commands/logout.ts') },
  {
    name: 'limit',
    summary: 'Show or set how many jobs may run at once',
    load: () => import('./commands/limit.ts'),
  },
  {
    name: 'retention',
    summary: 'How long jobs, stories, artifacts and mirrors are kept',
    verbs: [
      {
        name: 'show',
        summary: 'Show how long things are kept',
        load: () => import('./commands/retention/show.ts'),
        isDefault: true,
      },
      {
        name: 'preview',
        summary: 'Show what would be deleted now, and delete nothing',
        load: () => import('./commands/retention/preview.ts'),
      },
      {
        name: 'set',
        summary: 'Say how long to keep things',
        load: () => import('./commands/retention/set.ts'),
      },
      {
        name: 'run',
        summary: 'Delete now what is kept no longer',
        load: () => import('./commands/retention/run.ts'),
      },
    ],
  },
  { name: 'whoami', summary: 'Show who you are signed in as', load: () => import('./commands/whoami.ts') },
  { name: 'up', summary: 'Start server, worker and console here', load: () => import('./commands/up.ts') },
  {
    name: 'backup',
    summary: 'Back up the FlowForge of this machine',
    verbs: [
      {
        name: 'create',
        summary: 'Make a backup now',
        load: () => import('./commands/backup/create.ts'),
        isDefault: true,
      },
      {
        name: 'list',
        summary: 'List the backups in a folder or bucket',
        load: () => import('./commands/backup/list.ts'),
      },
      {
        name: 'verify',
        summary: 'Read a backup and check every byte of it',
        load: () => import('./commands/backup/verify.ts'),
      },
    ],
  },
  {
    name: 'restore',
    summary: 'Put a backup into an empty data folder and database',
    load: () => import('./commands/restore.ts'),
  },
  {
    name: 'doctor',
    summary: 'Check that everything needed is there',
    load: () => import('./commands/doctor.ts'),
  },
  {
    name: 'completion',
    summary: 'Print a completion script for your shell',
    load: () => import('./commands/completion.ts'),
  },
]
