import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import Docker from 'dockerode'
import { describe, expect, it } from 'vitest'
import { createDaemon } from './daemon.ts'
import { startFailure } from './daemon-errors.ts'
import { tailOfFrames } from './logs.ts'

describe('a daemon that accepts and never answers', () => {
  it('is a failure after the time limit', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'flowforge-daemon-'))
    const socketPath = path.join(folder, 'docker.sock')
    const server = createServer(() => {})
    await new Promise<void>(resolve => server.listen(socketPath, resolve))
    const daemon = createDaemon(new Docker({ socketPath }), 50)
    await expect(daemon.ask(() => daemon.docker.info())).rejects.toMatchObject({ code: 'docker_unavailable' })
    server.close()
    await rm(folder, { recursive: true })
  })
})

describe('what the daemon says at a start', () => {
  const said = (statusCode: number, message: string) => Object.assign(new Error(message), { statusCode })
  it.each([
    [said(404, 'No such image: flowforge/agent:1'), 'image_unavailable', /flowforge\/agent:1.*script\/setup/],
    [said(500, 'write /var/lib/docker: no space left on device'), 'disk_full', /docker system prune/],
    [said(400, 'Unknown runtime specified runsc'), 'config_invalid', /runsc/],
    [said(500, 'fork/exec: resource temporarily unavailable'), 'no_capacity', /no room/],
    [said(500, 'something new'), 'docker_unavailable', /something new/],
    [Object.assign(new Error('connect'), { code: 'EACCES' }), 'docker_unavailable', /group "docker"/],
    [Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 'docker_unavailable', /start it, or run/],
  ])('%s', (error, code, message) => {
    expect(startFailure(error, { image: 'flowforge/agent:1', address: '/docker.sock' })).toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })
})

describe('the tail of framed logs', () => {
  const frame = (stream: 1 | 2, text: string) => {
    const content = Buffer.from(text)
    const header = Buffer.alloc(8)
    header[0] = stream
    header.writeUInt32BE(content.length, 4)
    return Buffer.concat([header, content])
  }

  it('joins both streams in order', () => {
    expect(tailOfFrames(Buffer.concat([frame(1, 'out\n'), frame(2, 'err\n')]), 100)).toBe('out\nerr\n')
  })

  it('never cuts inside a character', () => {
    expect(tailOfFrames(frame(1, 'aäöü'), 3)).toBe('ü')
  })

  it('survives an answer that ends in the middle', () => {
    expect(tailOfFrames(frame(1, 'whole').subarray(0, 11), 100)).toBe('who')
    expect(tailOfFrames(frame(1, 'whole').subarray(0, 5), 100)).toBe('')
  })
})
