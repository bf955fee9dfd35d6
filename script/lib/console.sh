# The web console's build, renewed when what goes into it changed. Sourced, with $root set and Node.js on PATH.

console_stamp="$root/.cache/console-inputs"

console_has_build() {
  grep -q '"build"' "$root/packages/web/package.json" 2>/dev/null
}

# The names and contents of all that goes into the build, as one hash.
console_inputs() {
  (
    cd "$root"
    names=$(find packages/web sdks/typescript package-lock.json -type f \
      -not -path '*/node_modules/*' -not -path '*/dist/*' -not -name '*.test.ts*' | LC_ALL=C sort)
    { printf '%s\n' "$names" && git hash-object --no-filters --stdin-paths <<<"$names"; } | git hash-object --stdin
  )
}

ensure_console() {
  console_has_build || return 0
  local inputs start=$SECONDS
  inputs=$(console_inputs)
  if [ -f "$root/packages/web/dist/index.html" ] && [ "$inputs" = "$(cat "$console_stamp" 2>/dev/null)" ]; then
    touch "$console_stamp" # ./flowforge compares times
    say console "up to date"
    return
  fi
  say console "building"
  rm -f "$console_stamp"
  (cd "$root" && logged console npm run build -w packages/web) ||
    fail "The web console could not be built." "Run: npm run build -w packages/web"
  printf '%s\n' "$inputs" >"$console_stamp"
  say console "built in $((SECONDS - start)) s"
}
