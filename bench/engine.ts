// How fast the engine is, beside queues that run jobs which do nothing, and whether it stays so when much lies behind it.
//   script/bench engine [JOBS]
import { join } from 'node:path'
import { createBullMq } from './engine/bullmq.ts'
import type { Contender } from './engine/contender.ts'
import { compareDispatch } from './engine/dispatch.ts'
import { createFlowForgeContender } from './engine/flowforge.ts'
import { createGraphile } from './engine/graphile.ts'
import { compareHistory } from './engine/history.ts'
import { startCluster } from './engine/postgres.ts'
import { compareQueues } from './engine/queues.ts'
import { installRedis, startRedis } from './engine/redis.ts'
import { measureWatchers, printWatchers } from './engine/watchers.ts'
import { saveResult } from './report.ts'

const JOBS = Number(process.argv[2] ?? 10_000)

await installRedis()
const cluster = await startCluster()
const redis = await Promise.all(
  (['everysec', 'always'] as const).map(fsync => startRedis(join(cluster.directory, fsync), fsync)),
)
try {
  const contenders: Contender[] = [
    await createFlowForgeContender((await cluster.createFlowForge('engine')).app),
    await createGraphile((await cluster.createDatabase('graphile')).owner),
    ...(await Promise.all(redis.map(createBullMq))),
  ]
  const dispatch = await compareDispatch(contenders, JOBS)
  for (const contender of contenders) await contender.close()
  const queues = await compareQueues(cluster)
  const watchers = await measureWatchers({ cluster })
  printWatchers(watchers)
  const history = await compareHistory(cluster)
  await saveResult('engine', { jobs: JOBS, dispatch, queues, watchers, history })
} finally {
  for (const server of redis) await server.stop()
  await cluster.stop()
}
