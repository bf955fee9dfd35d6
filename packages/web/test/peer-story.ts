// A job's story as the server would tell it: realistic events with their delays, and the diff that comes of it. No I/O.
import { answer, type Beat, file, stage, todos, tool, usage, written } from './peer-beats.ts'
import { FAILING, PASSING, SUMMARY } from './peer-texts.ts'

export const BASE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'
export const HEAD = '9f2c1ab47d0e5f6a8b3c2d1e0f9a8b7c6d5e4f3a'

const preparing: Beat[] = [
  [300, { type: 'job.started', data: { workerId: 'w1' } }],
  [5, { type: 'attempt.started', data: { number: 1, workerId: 'w1', executor: 'docker' } }],
  [10, stage('preparing_repository')],
  [220, stage('starting_container')],
  [310, stage('cloning')],
  [180, { type: 'git.cloned', data: { commit: BASE, durationMs: 148 } }],
  [10, stage('setting_up')],
  [120, { type: 'log', data: { stream: 'stdout', text: 'added 142 packages in 3s' } }],
  [
    10,
    {
      type: 'log',
      data: {
        stream: 'stdout',
        text: '\u001b]8;;javascript:alert(1)\u0007funding\u001b]8;;\u0007: run `npm fund` for details',
      },
    },
  ],
  [40, stage('working')],
]

const looking: Beat[] = [
  ...written('I’ll reproduce the wrong total first, then look at where coupons and shipping meet.'),
  [80, tool('t1', 'TodoWrite', todos(0))],
  [40, answer('t1', 'Todos have been modified', 4)],
  [
    120,
    tool('t2', 'Bash', {
      command: 'npm test -- --run test/total.test.ts',
      description: 'Run the tests of totals',
    }),
  ],
  [900, answer('t2', FAILING, 1_840, false)],
  [30, usage(0.0182)],
  [60, tool('t3', 'Grep', { pattern: 'applyCoupon|addShipping', path: file('src') })],
  [60, answer('t3', 'src/cart/total.ts:14\nsrc/cart/total.ts:15\nsrc/cart/coupon.ts:8', 31)],
  [60, tool('t4', 'Read', { file_path: file('src/cart/total.ts') })],
  [
    60,
    answer(
      't4',
      '     1→import { addShipping } from "./shipping"\n     2→import { applyCoupon } from "./coupon"\n     …',
      12,
    ),
  ],
  [
    80,
    tool('t5', 'Task', {
      description: 'Find every caller of applyCoupon',
      prompt: 'List the callers and what they pass.',
      subagent_type: 'Explore',
    }),
  ],
  [120, tool('t6', 'Grep', { pattern: 'applyCoupon\\(', glob: '**/*.ts' }, 't5')],
  [90, answer('t6', 'src/cart/total.ts:15\nsrc/admin/preview.ts:41', 27, true, 't5')],
  [90, tool('t7', 'Read', { file_path: file('src/admin/preview.ts'), offset: 30, limit: 20 }, 't5')],
  [70, answer('t7', '    41→  return applyCoupon(goods, coupon)', 9, true, 't5')],
  ...written(
    'Two callers: `total.ts` passes goods and shipping together, `preview.ts` the goods alone.',
    25,
    't5',
  ),
  [
    60,
    answer(
      't5',
      'Two callers: total.ts passes goods and shipping together, preview.ts the goods alone.',
      4_210,
    ),
  ],
  [
    40,
    {
      type: 'egress.blocked',
      data: { host: 'telemetry.example.com', port: 443, reason: 'not on the repository’s allowlist' },
    },
  ],
]

const fixing: Beat[] = [
  ...written(
    'So the coupon is taken off the **shipping fee** as well. I apply it to the goods before shipping is added:',
  ),
  [
    120,
    tool('t8', 'Edit', {
      file_path: file('src/cart/total.ts'),
      old_string:
        'export function total(cart: Cart): Money {\n  const withShipping = addShipping(cart.goods, cart.shipping)\n  return applyCoupon(withShipping, cart.coupon)\n}',
      new_string:
        'export function total(cart: Cart): Money {\n  // A coupon is worth something on goods only: free shipping would otherwise count twice.\n  const goods = applyCoupon(cart.goods, cart.coupon)\n  return addShipping(goods, cart.shipping)\n}',
    }),
  ],
  [90, answer('t8', 'The file has been updated.', 11)],
  [60, tool('t9', 'Bash', { command: 'git push origin HEAD:main' })],
  [
    90,
    {
      type: 'git.push.refused',
      data: { ref: 'refs/heads/main', reason: 'a job may push to its own branch only' },
    },
  ],
  [
    30,
    answer(
      't9',
      'remote: FlowForge: a job may push to its own branch only\n! [remote rejected] HEAD -> main',
      210,
      false,
    ),
  ],
  [
    60,
    tool('t10', 'Write', {
      file_path: file('test/total.test.ts'),
      content:
        'import { expect, test } from "vitest"\nimport { total } from "../src/cart/total"\n\ntest("coupon with free shipping takes only the coupon off", () => {\n  expect(total(cart({ goods: 50, coupon: 5, shipping: "free" }))).toBe(45)\n})\n',
    }),
  ],
  [70, answer('t10', 'File created', 8)],
  [30, usage(0.0274)],
  [50, tool('t11', 'TodoWrite', todos(4))],
  [30, answer('t11', 'Todos have been modified', 3)],
]

const finishing: Beat[] = [
  [60, stage('verifying')],
  [10, { type: 'verify.started', data: { command: 'npm test', round: 1, clean: false } }],
  [
    700,
    {
      type: 'verify.finished',
      data: { command: 'npm test', exitCode: 0, durationMs: 2_310, output: PASSING, round: 1, clean: false },
    },
  ],
  [40, stage('working')],
  ...written(SUMMARY, 18),
  [
    20,
    {
      type: 'git.committed',
      data: { commit: HEAD, message: 'Apply coupons to goods before shipping is added' },
    },
  ],
  [30, stage('pushing')],
  [140, { type: 'git.pushed', data: { branch: 'flowforge/1-coupon', commit: HEAD, upstream: false } }],
  [20, stage('verifying_clean')],
  [10, { type: 'verify.started', data: { command: 'npm test', round: 1, clean: true } }],
  [
    600,
    {
      type: 'verify.finished',
      data: { command: 'npm test', exitCode: 0, durationMs: 2_480, output: PASSING, round: 1, clean: true },
    },
  ],
]

export const success: Beat[] = [
  ...preparing,
  ...looking,
  ...fixing,
  ...finishing,
  [
    60,
    {
      type: 'job.succeeded',
      data: {
        branch: 'flowforge/1-coupon',
        headCommit: HEAD,
        result: {
          summary: SUMMARY,
          filesChanged: 3,
          insertions: 18,
          deletions: 4,
          verify: [{ command: 'npm test', exitCode: 0, durationMs: 2_480, output: PASSING }],
        },
      },
    },
  ],
]

export const failure: Beat[] = [
  ...preparing,
  ...looking.slice(0, 30),
  [
    100,
    {
      type: 'job.failed',
      data: {
        reason: {
          code: 'oom',
          message: 'The container used more than its 4 GiB of memory while `npm test` ran and was ended.',
          next: 'Raise the repository’s memory limit, or run fewer tests at a time, and submit the job again.',
        },
      },
    },
  ],
]
