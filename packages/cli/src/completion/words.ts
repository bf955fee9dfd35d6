// What can be typed at each place, read off the command tree.
import type { Command } from 'commander'

export interface Place {
  /** `''` at the top, else `job list`. */
  path: string
  commands: { name: string; summary: string }[]
  options: CompletedOption[]
  /** Fixed values of the first argument. */
  choices: string[]
}

export interface CompletedOption {
  flags: string[]
  summary: string
  takesValue: boolean
  choices: string[]
}

export function placesOf(command: Command, path = ''): Place[] {
  const place: Place = {
    path,
    commands: command.commands.map(child => ({ name: child.name(), summary: child.description() })),
    options: [...command.options.map(readOption), HELP],
    choices: [...(command.registeredArguments[0]?.argChoices ?? [])],
  }
  const below = command.commands.flatMap(child => placesOf(child, `${path} ${child.name()}`.trim()))
  return [place, ...below]
}

const HELP: CompletedOption = { flags: ['--help'], summary: 'show help', takesValue: false, choices: [] }

const readOption = (option: Command['options'][number]): CompletedOption => ({
  flags: [option.short, option.long].filter(flag => flag != null),
  summary: option.description,
  takesValue: option.required || option.optional,
  choices: [...(option.argChoices ?? [])],
})
