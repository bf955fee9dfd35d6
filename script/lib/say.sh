# How the scripts speak: one line for each step, and failures in two sentences: what happened, what to do.
# Sourced; knows nothing of the steps themselves.

# Whether someone sits there who can type a password.
if [ -t 0 ] && [ -t 2 ]; then interactive=1; else interactive=; fi

# say STEP TEXT...
say() {
  local step=$1
  shift
  printf '  %-9s %s\n' "$step" "$*" >&2
}

# fail WHAT-HAPPENED WHAT-TO-DO
fail() {
  printf '\n%s\n%s\n' "$1" "$2" >&2
  exit 1
}

# logged NAME COMMAND...: runs it quietly; when it fails, shows the end of what it said.
logged() {
  local log="$root/.cache/log/$1.log" status=0
  shift
  mkdir -p "$root/.cache/log"
  "$@" >"$log" 2>&1 </dev/null || status=$?
  if [ "$status" -ne 0 ]; then
    printf '\n' >&2
    tail -n 20 "$log" >&2
    printf '(all of it: %s)\n' "$log" >&2
  fi
  return "$status"
}

# as_root COMMAND...: as root or through sudo, which asks for a password only where someone can type it.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif ! command -v sudo >/dev/null; then
    fail "This step needs root: $*" "Run the script as root, or install sudo."
  elif [ -n "$interactive" ]; then
    sudo -- "$@"
  else
    sudo -n -- "$@"
  fi
}

is_debian() {
  [ -r /etc/os-release ] && grep -Eq '^ID(_LIKE)?=.*(debian|ubuntu)' /etc/os-release && command -v apt-get >/dev/null
}

# apt_install PACKAGE...
apt_install() {
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
  # The lists of a fresh machine are often empty or old: refresh them only when the first try fails.
  logged apt as_root "${apt[@]}" install --no-install-recommends "$@" 2>/dev/null ||
    { logged apt as_root "${apt[@]}" update && logged apt as_root "${apt[@]}" install --no-install-recommends "$@"; }
}
