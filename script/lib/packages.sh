# The npm packages of the workspace, exactly as package-lock.json says. Sourced, with $root set and Node.js on PATH.

# A copy of the lock file that was installed. `npm ci` removes node_modules first and the copy comes last, so an
# installation that was cut short has none and is made anew.
installed_lock="$root/node_modules/.flowforge-package-lock.json"

packages_are_installed() {
  cmp -s "$root/package-lock.json" "$installed_lock"
}

ensure_packages() {
  if packages_are_installed; then
    say packages "up to date"
    return
  fi
  local start=$SECONDS
  say packages "installing with npm ci"
  (cd "$root" && logged packages npm ci --no-audit --no-fund) ||
    fail "The npm packages could not be installed." "Check the network (npm ping) and the free space, then run this again."
  cp "$root/package-lock.json" "$installed_lock"
  say packages "installed in $((SECONDS - start)) s"
}
