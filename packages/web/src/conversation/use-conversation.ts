// Sends what a person says to a job, and has the page look again. The same words sent twice by accident are said once.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { decideRequest, replyToJob } from '../api/endpoints.ts'
import { createIdempotencyKeys } from '../api/idempotency.ts'
import { jobQuery } from '../api/queries.ts'
import type { Reply, Verdict } from '../api/types.ts'

function useSaying<Body>(jobId: string, say: (body: Body, key: string) => Promise<unknown>) {
  const queryClient = useQueryClient()
  const [keys] = useState(() => createIdempotencyKeys())
  return useMutation({
    mutationFn: (body: Body) => say(body, keys.keyFor(body)),
    onSuccess: async () => {
      keys.done()
      await queryClient.invalidateQueries({ queryKey: jobQuery(jobId).queryKey })
      void queryClient.invalidateQueries({ queryKey: ['jobs'] })
    },
  })
}

export const useReply = (jobId: string) =>
  useSaying<Reply>(jobId, (body, key) => replyToJob(jobId, body, key))

export const useVerdict = (jobId: string) =>
  useSaying<Verdict>(jobId, (body, key) => decideRequest(jobId, body, key))
