// A tiny image for tests: the static busybox of this machine, and the folders that the sandbox expects.
import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { pack } from 'tar-stream'

const BUSYBOX = '/bin/busybox'

/** Made once per Docker, in some 300 ms; needs Debian's busybox-static. */
export const ensureTestImage = async (docker: Docker, tag = 'flowforge-test/busybox:1'): Promise<string> => {
  const found = await docker
    .getImage(tag)
    .inspect()
    .catch(() => undefined)
  if (!found) await importImage(docker, tag)
  return tag
}

const importImage = async (docker: Docker, tag: string): Promise<void> => {
  const archive = pack()
  const user = { uid: 1000, gid: 1000 }
  const folder = { type: 'directory', mode: 0o755 } as const
  for (const name of ['bin', 'etc', 'home', 'tmp', 'run', 'proc', 'sys', 'dev'])
    archive.entry({ name, ...folder })
  for (const name of ['home/agent', 'workspace']) archive.entry({ name, ...folder, ...user })
  archive.entry({ name: 'bin/busybox', mode: 0o755 }, await readFile(BUSYBOX))
  const applets = execFileSync(BUSYBOX, ['--list'], { encoding: 'utf8' }).trim().split('\n')
  for (const name of applets.filter(applet => applet !== 'busybox')) {
    archive.entry({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox' })
  }
  archive.entry({ name: 'etc/passwd' }, 'agent:x:1000:1000::/home/agent:/bin/sh\n')
  archive.finalize()
  const [repo, version] = tag.split(':')
  const changes = ['ENV PATH=/bin', 'CMD ["sleep","3600"]']
  // tar-stream's types come from another version of streams than Node's.
  const progress = await docker.importImage(Readable.from(archive), { repo, tag: version, changes })
  await new Promise((resolve, reject) =>
    docker.modem.followProgress(progress, error => (error ? reject(error) : resolve(undefined))),
  )
}
