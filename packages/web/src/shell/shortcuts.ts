// Single keys that work everywhere except in fields. They can be turned off: they disturb speech input.
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useSyncExternalStore } from 'react'
import { paths } from '../paths.ts'

export const SHORTCUTS: [keys: string[], does: string][] = [
  [['C'], 'New job'],
  [['G', 'J'], 'Jobs'],
  [['G', 'R'], 'Repositories'],
  [['G', 'S'], 'Schedules'],
  [['G', 'K'], 'API keys'],
  [['/'], 'Search on this page'],
  [['J'], 'Next job in the list'],
  [['K'], 'Previous job in the list'],
  [['1', '–', '3'], 'Tabs of a job'],
  [['?'], 'This list'],
]

const STORED_AS = 'flowforge.shortcuts'
const SEQUENCE_MS = 900
const listeners = new Set<() => void>()
let enabled = readEnabled()

function readEnabled(): boolean {
  try {
    return localStorage.getItem(STORED_AS) !== 'off'
  } catch {
    return true
  }
}

export function setShortcutsEnabled(next: boolean) {
  enabled = next
  try {
    localStorage.setItem(STORED_AS, next ? 'on' : 'off')
  } catch {
    // Lasts as long as the page then.
  }
  for (const listener of listeners) listener()
}

export const useShortcutsEnabled = (): boolean =>
  useSyncExternalStore(
    listener => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    () => enabled,
  )

/** Whether a key press is meant as a shortcut: no field, no dialog, no modifier. */
export function isShortcut(event: KeyboardEvent): boolean {
  if (!enabled || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return false
  const target = event.target
  if (!(target instanceof HTMLElement)) return true
  if (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return false
  return document.querySelector('[role=dialog],[role=alertdialog]') === null
}

export function useShortcuts(onHelp: () => void) {
  const navigate = useNavigate()
  useEffect(() => {
    let goUntil = 0
    function onKey(event: KeyboardEvent) {
      if (!isShortcut(event)) return
      const going = Date.now() < goUntil
      goUntil = 0
      if (event.key === 'g') {
        goUntil = Date.now() + SEQUENCE_MS
        return
      }
      const run = going ? goes[event.key] : keys[event.key]
      if (!run) return
      event.preventDefault()
      run()
    }
    const goes: Record<string, () => void> = {
      j: () => void navigate(paths.jobs()),
      r: () => void navigate(paths.repositories()),
      s: () => void navigate(paths.schedules()),
      k: () => void navigate(paths.apiKeys()),
    }
    const keys: Record<string, () => void> = {
      c: () => void navigate(paths.newJob()),
      '?': onHelp,
      '/': () => document.querySelector<HTMLElement>('input[type=search]')?.focus(),
    }
    // Before the pages' own keys, so that the J of "G J" does not move through a list as well.
    window.addEventListener('keydown', onKey, true)
    return () => window.removeEventListener('keydown', onKey, true)
  }, [navigate, onHelp])
}
