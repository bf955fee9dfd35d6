import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findRepositorySettings } from './repository-settings.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'flowforge-settings-'))
  mkdirSync(join(root, '.claude'))
})
afterEach(() => rmSync(root, { recursive: true }))

test('a repository without settings has none', () => {
  expect(findRepositorySettings(root)).toEqual([])
})

test('names are told, values are not', () => {
  writeFileSync(join(root, '.claude/settings.json'), JSON.stringify({ env: { KEY: 'secret' }, model: 'x' }))
  expect(findRepositorySettings(root)).toEqual([
    { file: '.claude/settings.json', keys: ['env.KEY', 'model'] },
  ])
})

test('what is no JSON, a link or a directory is told as such and never followed', () => {
  writeFileSync(join(root, '.claude/settings.json'), '{')
  symlinkSync('/etc/passwd', join(root, '.claude/settings.local.json'))
  mkdirSync(join(root, '.mcp.json'))
  mkdirSync(join(root, '.claude/skills/deploy'), { recursive: true })
  symlinkSync('/etc', join(root, '.claude/agents'))
  expect(findRepositorySettings(root)).toEqual([
    { file: '.claude/settings.json', keys: ['(not valid JSON)'] },
    { file: '.claude/settings.local.json', keys: ['(not a regular file)'] },
    { file: '.mcp.json', keys: ['(not a regular file)'] },
    { file: '.claude/skills', keys: ['deploy'] },
  ])
})
