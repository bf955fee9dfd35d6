// Reads what Docker says while it pulls, imports and builds.
import type Docker from 'dockerode'

export interface ProgressMessage {
  stream?: string
  status?: string
  error?: string
}

/** All messages up to the end; fails with the first error among them. */
export function messagesOf(
  docker: Docker,
  stream: NodeJS.ReadableStream,
  onMessage?: (message: ProgressMessage) => void,
): Promise<ProgressMessage[]> {
  return new Promise((resolve, reject) => {
    docker.modem.followProgress(
      stream,
      (error: Error | null, messages: ProgressMessage[]) => {
        const failure = messages?.find(message => message.error)?.error
        if (error) reject(error)
        else if (failure) reject(new Error(failure.trim()))
        else resolve(messages)
      },
      onMessage,
    )
  })
}
