// Asks the Docker daemon (DOCKER_HOST, else the usual socket) for its version. Not the client: many machines have that alone.
// Exit status 1: nothing answers. 2: it is there, but not for this user.
import Docker from 'dockerode'

try {
  const docker = new Docker({ timeout: 5000 })
  const { Version } = await docker.version()
  console.log(Version)
} catch (error) {
  process.exitCode = (error as NodeJS.ErrnoException).code === 'EACCES' ? 2 : 1
}
