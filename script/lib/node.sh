# Puts a Node.js on PATH that FlowForge can run on: the machine's own when it is new enough, else one of our own from
# the npm registry, with its own npm. Sourced, with $root set; prints nothing unless it has to install.

node_minimum_major=22
node_minimum_minor=19
# The version that script/lib/node/package-lock.json pins.
node_version=24.21.0
node_lock="$root/script/lib/node/package-lock.json"
node_home="${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/flowforge/node/$node_version"

# Compiled and type-stripped sources are kept, so that the next start reads them instead.
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$root/.cache/compile}"

node_is_new_enough() {
  local version major minor
  version=$(node --version 2>/dev/null) || return 1
  IFS=. read -r major minor _ <<<"${version#v}"
  [ "$major" -gt "$node_minimum_major" ] || { [ "$major" -eq "$node_minimum_major" ] && [ "$minor" -ge "$node_minimum_minor" ]; }
}

node_home_is_ready() {
  [ -x "$node_home/bin/node" ] && cmp -s "$node_lock" "$node_home/package-lock.json"
}

# Sets PATH; returns 1 when nothing usable is there yet.
find_node() {
  if command -v node >/dev/null && command -v npm >/dev/null && node_is_new_enough; then return 0; fi
  node_home_is_ready || return 1
  export PATH="$node_home/bin:$PATH"
}

# Finds or installs. Never half-made: everything is put together beside its place and moved there at the end.
ensure_node() {
  if find_node; then return; fi
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64 | Linux-aarch64) ;;
    Darwin-*) fail "FlowForge needs Node.js $node_minimum_major.$node_minimum_minor or newer." "Install it with: brew install node@24, or from https://nodejs.org" ;;
    *) fail "FlowForge needs Node.js $node_minimum_major.$node_minimum_minor or newer and can't install it on $(uname -sm)." "Install it from your system's packages or https://nodejs.org" ;;
  esac
  install_node
  find_node || fail "Node.js $node_version was installed to $node_home but does not run." "See what $node_home/bin/node --version says."
}

install_node() {
  local temporary package
  if ! command -v npm >/dev/null; then
    is_debian || fail "There is neither a new enough Node.js nor npm." "Install Node.js 24 from https://nodejs.org"
    say node "installing npm from the distribution's packages"
    apt_install npm || fail "npm could not be installed." "Run: apt-get install npm"
  fi
  say node "fetching Node.js $node_version into $node_home"
  mkdir -p "$(dirname "$node_home")"
  temporary=$(mktemp -d "$node_home.XXXXXX")
  chmod 755 "$temporary" # mktemp lets nobody else in, but the server runs programs as other users
  cp "$root/script/lib/node/package.json" "$node_lock" "$temporary/"
  if ! (cd "$temporary" && logged node npm ci --no-audit --no-fund --ignore-scripts); then
    rm -rf "$temporary"
    fail "Node.js $node_version could not be fetched from the npm registry." "Check the network (npm ping), or install Node.js 24 yourself."
  fi
  for package in "$temporary"/node_modules/node-linux-*; do
    mkdir -p "$temporary/bin" && ln -s "../node_modules/$(basename "$package")/bin/node" "$temporary/bin/node"
  done
  ln -s ../node_modules/npm/bin/npm-cli.js "$temporary/bin/npm"
  ln -s ../node_modules/npm/bin/npx-cli.js "$temporary/bin/npx"
  rm -rf "$node_home"
  # When another checkout's set-up was faster, the place is taken: what is there is as good.
  mv -T "$temporary" "$node_home" 2>/dev/null || rm -rf "$temporary"
}
