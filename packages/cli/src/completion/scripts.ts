// Completion scripts for bash, zsh and fish. All words come from the command tree, none from the network.
import type { Command } from 'commander'
import { type Place, placesOf } from './words.ts'

export type Shell = 'bash' | 'zsh' | 'fish'

export function completionScript(shell: Shell, program: Command): string {
  const places = placesOf(program)
  switch (shell) {
    case 'bash':
      return bash(places)
    case 'zsh':
      return zsh(places)
    case 'fish':
      return fish(places)
  }
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
const paths = (places: Place[]): string[] => places.map(place => place.path).filter(path => path !== '')

/** Case branches `path option)` → values; shared by bash and zsh. */
const valueCases = (places: Place[], act: (words: string) => string, files: string): string[] =>
  places.flatMap(({ path, options }) =>
    options
      .filter(option => option.takesValue)
      .map(({ flags, choices }) => {
        const patterns = flags.map(flag => quote(`${path} ${flag}`)).join('|')
        return `    ${patterns}) ${choices.length > 0 ? act(choices.join(' ')) : files}; return ;;`
      }),
  )

/** Finds the command that the words before the cursor name. */
const WALK = `  local place='' word candidate
  for word in "\${words[@]:1:$((cword - 1))}"; do
    candidate="\${place:+$place }$word"
    case "$candidate" in
@PATHS@) place="$candidate" ;;
    esac
  done`

const walk = (places: Place[]): string =>
  WALK.replace('@PATHS@', `      ${paths(places).map(quote).join('|')}`)

function bash(places: Place[]): string {
  const values = valueCases(
    places,
    words => `COMPREPLY=($(compgen -W ${quote(words)} -- "$cur"))`,
    'compopt -o default',
  )
  const branches = places.map(({ path, commands, options, choices }) => {
    const words = [...commands.map(child => child.name), ...choices].join(' ')
    const flags = options.flatMap(option => option.flags).join(' ')
    return `    ${quote(path)}) wordlist=${quote(words)} flags=${quote(flags)} ;;`
  })
  return `# bash completion for flowforge
_flowforge() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}" wordlist='' flags=''
  local words=("\${COMP_WORDS[@]}") cword=$COMP_CWORD
${walk(places)}
  case "$place $previous" in
${values.join('\n')}
  esac
  case "$place" in
${branches.join('\n')}
  esac
  if [[ "$cur" == -* ]]; then wordlist="$flags"; fi
  COMPREPLY=($(compgen -W "$wordlist" -- "$cur"))
  [[ -n "$wordlist" ]] || compopt -o default
}
complete -F _flowforge flowforge
`
}

function zsh(places: Place[]): string {
  const described = (name: string, summary: string) => quote(`${name}:${summary.replaceAll(':', '\\:')}`)
  const values = valueCases(places, words => `compadd -- ${words}`, '_files')
  const branches = places.map(({ path, commands, options, choices }) => {
    const words = commands.map(child => described(child.name, child.summary))
    const flags = options.flatMap(option => option.flags.map(flag => described(flag, option.summary)))
    const fixed = choices.map(choice => described(choice, ''))
    return `    ${quote(path)}) list=(${[...words, ...fixed].join(' ')}) flags=(${flags.join(' ')}) ;;`
  })
  return `#compdef flowforge
# zsh completion for flowforge
_flowforge() {
  local place='' word candidate previous="\${words[CURRENT-1]}"
  local -a list flags
  for word in "\${(@)words[2,CURRENT-1]}"; do
    candidate="\${place:+$place }$word"
    case "$candidate" in
      ${paths(places).map(quote).join('|')}) place="$candidate" ;;
    esac
  done
  case "$place $previous" in
${values.join('\n')}
  esac
  case "$place" in
${branches.join('\n')}
  esac
  if [[ "$PREFIX" == -* ]]; then _describe -o option flags
  elif (( \${#list} )); then _describe command list
  else _files; fi
}
if [[ "\${funcstack[1]}" == _flowforge ]]; then _flowforge "$@"; else compdef _flowforge flowforge; fi
`
}

function fish(places: Place[]): string {
  const lines = places.flatMap(({ path, commands, options, choices }) => {
    const condition = `-n ${quote(`__flowforge_at ${quote(path)}`)}`
    const words = commands.map(
      child => `complete -c flowforge ${condition} -f -a ${quote(child.name)} -d ${quote(child.summary)}`,
    )
    const fixed = choices.map(choice => `complete -c flowforge ${condition} -f -a ${quote(choice)}`)
    const flags = options.map(option => {
      const names = option.flags.map(flag =>
        flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
      )
      const value =
        option.choices.length > 0
          ? ` -x -a ${quote(option.choices.join(' '))}`
          : option.takesValue
            ? ' -r'
            : ''
      return `complete -c flowforge ${condition} ${names.join(' ')}${value} -d ${quote(option.summary)}`
    })
    return [...words, ...fixed, ...flags]
  })
  return `# fish completion for flowforge
function __flowforge_at
    set -l place ''
    for word in (commandline -opc)[2..-1]
        set -l candidate (string trim -- "$place $word")
        contains -- $candidate ${paths(places).map(quote).join(' ')}; and set place $candidate
    end
    test "$place" = "$argv[1]"
end
${lines.join('\n')}
`
}
