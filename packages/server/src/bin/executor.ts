// The executor that the configuration names, and the image it starts.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FlowForgeError } from '../errors.ts'
import type { Executor } from '../executors/port.ts'
import { readAgentImage } from './agent-image.ts'
import type { Foundation } from './foundation.ts'

const CHECKOUT = fileURLToPath(new URL('../../../..', import.meta.url))

export interface ContainerPlace {
  executor: Executor
  image: () => Promise<string>
  /** In network mode: where the gateway listens, and what containers call that. */
  gatewayHost?: () => Promise<{ address: string; name: string }>
  /** When this process ends. */
  close?: () => Promise<void>
}

export async function createExecutor({ config, log, installationId }: Foundation): Promise<ContainerPlace> {
  if (config.executor === 'dummy') {
    const { createSurvivingDummyExecutor } = await import('../executors/dummy/surviving.ts')
    const executor = createSurvivingDummyExecutor({ directory: config.dataDirectory })
    return { executor, image: async () => 'dummy', close: executor.close }
  }
  const { createDockerExecutor } = await import('../executors/docker/executor.ts')
  const { createGatewayHost } = await import('../executors/docker/gateway-host.ts')
  const network = config.gateway.mode === 'network'
  const image = async () => {
    const name = config.agentImage ?? (await readAgentImage(CHECKOUT))
    if (name) return name
    throw new FlowForgeError(
      'image_unavailable',
      'No agent image was built here. Build it with script/setup, or name one with FLOWFORGE_AGENT_IMAGE.',
    )
  }
  const executor = createDockerExecutor({
    installationId,
    workspaceRoot: join(config.dataDirectory, 'workspaces'),
    image: config.agentImage ?? (await readAgentImage(CHECKOUT)),
    ...(network && { network: { image, acceptOldEngine: config.gateway.chosen } }),
    log,
  })
  return { executor, image, ...(network && { gatewayHost: createGatewayHost() }) }
}
