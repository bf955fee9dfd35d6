import { expect, it } from 'vitest'
import { forwardsDns } from './engine-version.ts'

it.each([
  '23.0.11',
  '23.0.15-1',
  '25.0.5',
  '25.1.0',
  '26.0.0',
  '28.2.2',
  '29.0.0',
])('Docker %s keeps DNS inside of internal networks', version => expect(forwardsDns(version)).toBe(false))

it.each([
  '20.10.24+dfsg1',
  '23.0.10',
  '24.0.9',
  '25.0.4',
  'dev',
  '',
])('Docker %j may forward DNS out of them', version => expect(forwardsDns(version)).toBe(true))
