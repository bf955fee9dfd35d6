// Light, dark or as the system has it. The first paint is set by public/theme.js; this keeps it right afterwards.
import { useSyncExternalStore } from 'react'

export type ThemeChoice = 'system' | 'light' | 'dark'

const STORED_AS = 'flowforge.theme'
const system = matchMedia('(prefers-color-scheme: dark)')
const listeners = new Set<() => void>()
let choice = readChoice()

function readChoice(): ThemeChoice {
  try {
    const stored = localStorage.getItem(STORED_AS)
    return stored === 'light' || stored === 'dark' ? stored : 'system'
  } catch {
    return 'system'
  }
}

const resolved = (): 'light' | 'dark' => (choice === 'system' ? (system.matches ? 'dark' : 'light') : choice)

function apply() {
  document.documentElement.dataset.theme = resolved()
  for (const listener of listeners) listener()
}

system.addEventListener('change', apply)

export function chooseTheme(next: ThemeChoice) {
  choice = next
  try {
    if (next === 'system') localStorage.removeItem(STORED_AS)
    else localStorage.setItem(STORED_AS, next)
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
  apply()
}

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

export const useThemeChoice = (): ThemeChoice => useSyncExternalStore(subscribe, () => choice)
export const useTheme = (): 'light' | 'dark' => useSyncExternalStore(subscribe, resolved)
