// Who may import whom (ARCHITECTURE.md prints the same as a table). script/import-rules.test.ts proves that each rule bites.
import type { IConfiguration } from 'dependency-cruiser'

/** Tests, benchmarks and what only they use may look where product code may not. */
const TEST =
  '(\\.test|\\.fixture)\\.tsx?$|/(contract|testing[-\\w]*|test-[-\\w]+)\\.ts$|^packages/[^/]+/test/|^sdks/[^/]+/test/|^(e2e|bench)/'
const SERVER = '^packages/server/src/'
const ADAPTERS = '(executors|storage|git|claude|secrets)'
/** Everything in this repository, as opposed to npm packages and Node's own modules. */
const OURS = '^(packages|sdks|images|script|e2e|bench)/'

export default {
  forbidden: [
    {
      name: 'no-cycles',
      comment:
        'Data walks one way: two files that need each other are one subject, or hide a third. What is only loaded on demand closes no circle.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['dynamic-import'] } },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere.',
      severity: 'error',
      from: { path: OURS },
      to: { couldNotResolve: true, pathNot: '^(bun|virtual):' },
    },
    {
      name: 'declared',
      comment:
        'An npm package that the importing package does not name in its package.json works by accident.',
      severity: 'error',
      from: { path: '^(packages|sdks)/', pathNot: TEST },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-test-support-in-product',
      comment: 'Product code does not run on fixtures. Benchmarks may: they start servers as tests do.',
      severity: 'error',
      from: { path: OURS, pathNot: [TEST, '^bench/'] },
      to: { path: TEST },
    },
    {
      name: 'packages-stand-alone',
      comment: 'What is shipped does not import from the repository around it.',
      severity: 'error',
      from: { path: '^(packages|sdks)/', pathNot: TEST },
      to: { path: '^(images|script|e2e|bench)/' },
    },
    {
      name: 'protocol-imports-nothing',
      comment: 'The words that cross a process: schemas, no I/O.',
      severity: 'error',
      from: { path: '^packages/protocol/', pathNot: TEST },
      to: { path: OURS, pathNot: '^packages/protocol/' },
    },
    {
      name: 'protocol-does-no-io',
      severity: 'error',
      from: { path: '^packages/protocol/', pathNot: TEST },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'runner-imports-protocol-alone',
      severity: 'error',
      from: { path: '^packages/runner/', pathNot: TEST },
      to: { path: OURS, pathNot: '^packages/(runner|protocol)/' },
    },
    {
      name: 'scripted-model-imports-nothing',
      comment: 'It plays the outside world; knowing FlowForge would make it a mirror.',
      severity: 'error',
      from: { path: '^packages/scripted-model/', pathNot: TEST },
      to: { path: OURS, pathNot: '^packages/scripted-model/' },
    },
    {
      name: 'clients-use-the-api-alone',
      comment: 'Console and CLI know the server by its HTTP API, through the SDK.',
      severity: 'error',
      from: { path: '^packages/(web|cli)/', pathNot: TEST },
      to: { path: OURS, pathNot: ['^packages/$1/', '^sdks/typescript/'] },
    },
    {
      name: 'sdks-stand-alone',
      severity: 'error',
      from: { path: '^sdks/([^/]+)/', pathNot: TEST },
      to: { path: OURS, pathNot: '^sdks/$1/' },
    },
    {
      name: 'server-does-not-import-other-programs',
      severity: 'error',
      from: { path: '^packages/server/', pathNot: TEST },
      to: { path: OURS, pathNot: '^packages/(server|protocol)/' },
    },
    {
      name: 'jobs-know-their-own-ports',
      comment: 'The core knows rows and ports; whoever wires hands it the adapters.',
      severity: 'error',
      from: { path: `${SERVER}jobs/`, pathNot: TEST },
      to: {
        path: SERVER,
        pathNot: [
          `${SERVER}(jobs|store)/`,
          `${SERVER}errors\\.ts$`,
          `${SERVER}executors/port\\.ts$`,
          `${SERVER}storage/port\\.ts$`,
          `${SERVER}gateway/attempt\\.ts$`,
        ],
      },
    },
    {
      name: 'store-knows-sql-alone',
      comment: 'The ground everything stands on.',
      severity: 'error',
      from: { path: `${SERVER}store/`, pathNot: TEST },
      to: { path: SERVER, pathNot: [`${SERVER}store/`, `${SERVER}errors\\.ts$`] },
    },
    {
      name: 'adapters-know-their-port',
      comment:
        'An adapter imports its own folder, errors.ts, and the port that it implements; never another adapter.',
      severity: 'error',
      from: { path: `${SERVER}${ADAPTERS}/`, pathNot: TEST },
      to: {
        path: SERVER,
        pathNot: [`${SERVER}$1/`, `${SERVER}errors\\.ts$`, `${SERVER}jobs/ports?\\b`],
      },
    },
    {
      name: 'postgres-adapters-know-the-store',
      comment: 'Event log, bus and default queue are made of rows and NOTIFY.',
      severity: 'error',
      from: { path: `${SERVER}(queue|live)/`, pathNot: TEST },
      to: {
        path: SERVER,
        pathNot: [
          `${SERVER}($1|store)/`,
          `${SERVER}errors\\.ts$`,
          `${SERVER}jobs/ports?\\b`,
          `${SERVER}storage/port\\.ts$`,
        ],
      },
    },
    {
      name: 'gateway-and-http-stay-apart',
      comment: 'Two doors of the same house: what both need lives in a domain folder.',
      severity: 'error',
      from: { path: `${SERVER}(gateway|http)/`, pathNot: TEST },
      to: { path: `${SERVER}(gateway|http)/`, pathNot: `${SERVER}$1/` },
    },
    {
      name: 'only-bin-wires',
      comment: 'Nothing imports the entry points.',
      severity: 'error',
      from: { path: OURS, pathNot: [`${SERVER}bin/`, TEST] },
      to: { path: `${SERVER}bin/` },
    },
    {
      name: 'only-http-knows-http',
      comment: 'Routes are the top: no folder below reaches up to them.',
      severity: 'error',
      from: { path: SERVER, pathNot: [`${SERVER}(http|bin)/`, TEST] },
      to: { path: `${SERVER}http/` },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|generated/fixtures|output)/' },
    // Workspaces are links in node_modules: rules speak of where the files really are.
    preserveSymlinks: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json', '.d.ts'],
    },
  },
} satisfies IConfiguration
