// What a process that ends says about the jobs that it had.
import type { Drained } from '../jobs/work.ts'

/** For the person who pressed Ctrl-C, and for the log of whoever sent SIGTERM. */
export function sayWhatGoesOn({ handedOver, givenBack }: Drained): void {
  if (handedOver > 0)
    process.stdout.write(
      `${jobs(handedOver)} in ${handedOver === 1 ? 'its container' : 'their containers'}: start FlowForge here again and it takes over. After 5 minutes without a worker they end by themselves and are tried again; other workers do that after two leases.\n`,
    )
  if (givenBack > 0)
    process.stdout.write(
      `${givenBack} unfinished ${givenBack === 1 ? 'job' : 'jobs'} went back to the queue.\n`,
    )
}

const jobs = (count: number): string => (count === 1 ? '1 job goes on' : `${count} jobs go on`)
