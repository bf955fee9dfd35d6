# A Docker Engine that answers: the one that is there, else the distribution's, started by systemd or by hand.
# Sourced, with $root set and Node.js on PATH. Knows nothing of images.

docker_pid_file=/run/flowforge-dockerd.pid
docker_log=/var/log/flowforge-dockerd.log

# Prints the engine's version; 1 = nothing answers, 2 = it answers others but not this user.
docker_version() {
  node "$root/script/lib/docker-version.ts"
}

ensure_docker() {
  local version status=0
  version=$(docker_version) || status=$?
  if [ "$status" -eq 1 ] && [ -z "${DOCKER_HOST:-}" ]; then
    start_docker
    status=0
    version=$(docker_version) || status=$?
  fi
  case "$status" in
    0) say docker "Engine $version answers" ;;
    2) fail "Docker runs, but $(id -un) may not use it." "Run: sudo usermod -aG docker $(id -un), then sign in again." ;;
    *) fail "Docker does not answer at ${DOCKER_HOST:-/var/run/docker.sock}." "Start it, or set DOCKER_HOST to where it listens." ;;
  esac
}

start_docker() {
  if [ "$(uname -s)" = Darwin ]; then
    fail "Docker does not answer." "Install and start Docker Desktop (https://docs.docker.com/desktop), then run this again."
  fi
  # The daemon is what counts: a client alone is often there without one.
  if ! PATH="$PATH:/usr/sbin:/sbin" command -v dockerd >/dev/null; then
    is_debian || fail "There is no Docker Engine, and this is neither Debian nor Ubuntu." "Install Docker Engine (https://docs.docker.com/engine/install), start it, then run this again."
    install_docker
    # Some init systems start a service as soon as it is installed.
    if docker_version >/dev/null; then return; fi
  fi
  if [ -d /run/systemd/system ]; then
    say docker "starting the service"
    logged docker as_root systemctl start docker || fail "The docker service does not start." "See: journalctl -u docker"
    allow_this_user
  else
    start_dockerd_by_hand
  fi
}

install_docker() {
  local packages=(docker.io iptables ca-certificates)
  # Where the kernel enforces AppArmor, Docker refuses to run anything without its parser.
  if grep -q Y /sys/module/apparmor/parameters/enabled 2>/dev/null; then packages+=(apparmor); fi
  say docker "installing Docker Engine from the distribution's packages"
  apt_install "${packages[@]}" || fail "Docker Engine could not be installed." "Run: apt-get install docker.io"
}

# Who may use sudo is root already; the group takes effect at the next sign-in, the ACL now.
allow_this_user() {
  if [ "$(id -u)" -eq 0 ] || [ -w /var/run/docker.sock ]; then return; fi
  as_root usermod -aG docker "$(id -un)"
  apt_install acl && as_root setfacl -m "u:$(id -un):rw" /var/run/docker.sock
  say docker "$(id -un) is in the group docker now"
}

# No init system (a container, a rescue shell): a daemon of our own, in a session of its own, so that it outlives this
# script and does not hear its Ctrl-C.
start_dockerd_by_hand() {
  say docker "starting dockerd (log: $docker_log)"
  # shellcheck disable=SC2016 # expanded by the inner shell, as root
  as_root bash -c '
    exec 9>&- </dev/null >>"$1" 2>&1
    PATH="$PATH:/usr/sbin:/sbin" setsid --fork bash -c "echo \$\$ >\"\$1\"; exec dockerd --group \"\$2\"" dockerd "$2" "$3"
  ' start "$docker_log" "$docker_pid_file" "$(id -gn)"
  local tries=0
  until docker_version >/dev/null; do
    tries=$((tries + 1))
    if [ "$tries" -gt 150 ] || { [ "$tries" -gt 5 ] && ! dockerd_by_hand_lives; }; then
      as_root tail -n 15 "$docker_log" >&2 || true
      fail "dockerd was started but does not answer." "See $docker_log; it needs root, cgroups and iptables."
    fi
    sleep 0.2
  done
}

# /proc, not kill -0: the daemon is root's.
dockerd_by_hand_lives() {
  local pid
  pid=$(cat "$docker_pid_file" 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]
}

# Stops the daemon that start_dockerd_by_hand started, and no other.
stop_dockerd_by_hand() {
  local pid
  dockerd_by_hand_lives || return 0
  pid=$(cat "$docker_pid_file")
  as_root kill -TERM "$pid"
  while [ -e "/proc/$pid" ]; do sleep 0.1; done
  as_root rm -f "$docker_pid_file"
}
